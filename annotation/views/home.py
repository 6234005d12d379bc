from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from annotation.domain.errors import DomainError, NotAllowed
from annotation.forms.projects import NewProjectForm
from annotation.selectors import access
from annotation.selectors.clock import database_now
from annotation.selectors.home import project_cards
from annotation.services import projects
from annotation.views.frames import put_refusal


@login_required
def home(request: HttpRequest) -> HttpResponse:
    context = {
        "cards": project_cards(request.user, database_now()),
        "may_create": access.may_create_projects(request.user),
    }
    return render(request, "annotation/home.html", context)


@login_required
def new_project(request: HttpRequest) -> HttpResponse:
    if not access.may_create_projects(request.user):
        raise NotAllowed("Only operators create projects; ask one to do it for you.")
    form = NewProjectForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            project = projects.create_project(
                actor=request.user, now=database_now(), **form.cleaned_data
            )
            return redirect("annotation:project", project.slug)
        except DomainError as error:
            put_refusal(form, error)
    status = 422 if form.errors else 200
    return render(request, "annotation/new_project.html", {"form": form}, status=status)
