from axes.helpers import get_client_ip_address
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from annotation.forms.account import PasswordForm, TokenForm
from annotation.selectors import people as selected
from annotation.selectors.clock import database_now
from annotation.services import people

PAGE = "annotation/account.html"
logout = LogoutView.as_view()
login = LoginView.as_view(template_name="annotation/login.html", redirect_authenticated_user=True)


def locked_out(request: HttpRequest, response: object, credentials: object) -> HttpResponse:
    username, address = request.POST.get("username", ""), get_client_ip_address(request)
    wait = selected.login_wait(username, address, database_now())
    return render(request, "annotation/login_locked.html", {"wait": wait}, status=429)


@login_required
def account(request: HttpRequest) -> HttpResponse:
    return render(request, PAGE, _context(request))


@login_required
@require_POST
def issue_token(request: HttpRequest) -> HttpResponse:
    form, now = TokenForm(request.POST), database_now()
    if not form.is_valid():
        return render(request, PAGE, _context(request, token_form=form), status=422)
    token = people.issue_token(
        user=request.user, actor=request.user, now=now, **form.wanted(now=now)
    )
    return render(request, PAGE, _context(request, new_token=token))


@login_required
@require_POST
def revoke_token(request: HttpRequest, token_id: int) -> HttpResponse:
    people.revoke_token(token_id=token_id, user=request.user, now=database_now())
    messages.success(request, "The token is revoked; it opens nothing any more.")
    return redirect("annotation:account")


@login_required
@require_POST
def change_password(request: HttpRequest) -> HttpResponse:
    form = PasswordForm(request.user, request.POST)
    if not form.is_valid():
        return render(request, PAGE, _context(request, password_form=form), status=422)
    user = people.change_password(
        user=request.user, password=form.cleaned_data["new_password1"], now=database_now()
    )
    update_session_auth_hash(request, user)
    messages.success(request, "Your password is changed; other sessions are logged out.")
    return redirect("annotation:account")


def _context(request: HttpRequest, **values: object) -> dict[str, object]:
    return {
        "tokens": selected.tokens_of(request.user, database_now()),
        "token_form": TokenForm(),
        "password_form": PasswordForm(request.user),
        **values,
    }
