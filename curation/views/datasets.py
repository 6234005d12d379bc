from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from annotation.domain.errors import DomainError
from annotation.selectors.clock import database_now
from curation.domain.recipes import Recipe
from curation.forms.datasets import DatasetForm, NewDatasetForm, values_of, values_of_dataset
from curation.models import Dataset
from curation.selectors.datasets import dataset_cards, readable_projects
from curation.services import datasets, versioning

PAGE = "curation/dataset.html"


@login_required
@require_safe
def dataset_list(request: HttpRequest) -> HttpResponse:
    readable = readable_projects(request.user)
    datasets.default_datasets(projects=readable, now=database_now())
    return render(request, "curation/datasets.html", {"datasets": dataset_cards(request.user)})


@login_required
def new_dataset(request: HttpRequest) -> HttpResponse:
    form = NewDatasetForm(request.POST or None, user=request.user, initial=values_of(Recipe()))
    if request.method == "POST" and form.is_valid():
        try:
            made = datasets.create_dataset(user=request.user, now=database_now(), **form.wanted())
            return redirect("curation:dataset", made.slug)
        except DomainError as error:
            put_refusal(form, error)
    status = 422 if form.errors else 200
    return render(request, "curation/dataset_new.html", {"form": form}, status=status)


@login_required
@require_safe
def dataset(request: HttpRequest, slug: str) -> HttpResponse:
    found = dataset_here(request, slug)
    template = f"{PAGE}#versions" if request.htmx else PAGE
    form = DatasetForm(user=request.user, initial=values_of_dataset(found))
    return render(request, template, context_of(found, form))


@login_required
@require_POST
def change(request: HttpRequest, slug: str) -> HttpResponse:
    found = dataset_here(request, slug)
    form = DatasetForm(request.POST, user=request.user)
    try:
        if form.is_valid():
            datasets.change_dataset(
                user=request.user, dataset=found, now=database_now(), **form.wanted()
            )
            messages.success(request, "Saved. The next version is cut under this recipe.")
            return redirect("curation:dataset", slug)
    except DomainError as error:
        put_refusal(form, error)
    return render(request, PAGE, context_of(found, form), status=422)


@login_required
@require_POST
def cut(request: HttpRequest, slug: str) -> HttpResponse:
    found = dataset_here(request, slug)
    version = versioning.request_version(dataset=found, now=database_now(), user=request.user)
    return redirect("curation:version", slug, version.number)


def dataset_here(request: HttpRequest, slug: str) -> Dataset:
    return datasets.dataset_for(user=request.user, slug=slug, now=database_now())


def context_of(found: Dataset, form: DatasetForm) -> dict[str, object]:
    versions = list(found.versions.order_by("-number")[:100])
    is_building = any(version.state in ("queued", "running") for version in versions)
    projects = found.projects.order_by("slug")
    return {
        "dataset": found,
        "form": form,
        "versions": versions,
        "is_building": is_building,
        "projects": projects,
    }


def put_refusal(form: forms.Form, error: DomainError) -> None:
    form.add_error(error.field if error.field in form.fields else None, error.detail)
