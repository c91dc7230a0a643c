"""The pages where admins look after people, and the audit of what staff did."""

from __future__ import annotations

from uuid import UUID

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from webapp.console.door import console, current_staff, requires
from webapp.console.people import accounts, invitations, queries
from webapp.console.people.audit import record
from webapp.console.people.forms import EmptyForm, InvitationForm, StaffForm
from webapp.console.people.models import Staff, StaffInvitation
from webapp.console.people.sessions import live_sessions, revoke_sessions
from webapp.console.permissions import Permission, Role
from webapp.extensions import db
from webapp.wiring import wiring


@console.get("/people")
@requires(Permission.PEOPLE_MANAGE)
def people() -> ResponseReturnValue:
    """Everybody who may sign in, and who was invited."""
    return _people_page(InvitationForm(formdata=None))


def _people_page(form: InvitationForm, link: str = "", status: int = 200) -> ResponseReturnValue:
    now = wiring().clock.now()
    return render_template(
        "console/people/people.html",
        form=form,
        button=EmptyForm(formdata=None),
        everybody=queries.all_staff(db.session()),
        invitations=queries.open_invitations(db.session(), now),
        link=link,
    ), status


@console.post("/people/invitations")
@requires(Permission.PEOPLE_MANAGE)
def invite() -> ResponseReturnValue:
    """Invite somebody; the link is shown once, to be handed over."""
    form = InvitationForm()
    if not form.validate_on_submit():
        return _people_page(form, status=422)
    try:
        token = invitations.invite(
            db.session(),
            email=form.email.data,
            role=Role(form.role.data),
            by=current_staff(),
            now=wiring().clock.now(),
        )
    except accounts.AccountRefused as refused:
        form.email.errors = [str(refused)]
        return _people_page(form, status=422)
    record("staff_invited", f"staff:{form.email.data.strip().lower()}", role=form.role.data)
    db.session.commit()
    path = url_for("console.accept_invitation", token=token)
    return _people_page(InvitationForm(formdata=None), link=wiring().settings.public_url + path)


@console.post("/people/invitations/<uuid:invitation_id>/withdraw")
@requires(Permission.PEOPLE_MANAGE)
def withdraw_invitation(invitation_id: UUID) -> ResponseReturnValue:
    """Make an invitation's link worthless."""
    invitation = db.session.get(StaffInvitation, invitation_id) or abort(404)
    invitation.withdrawn_at = invitation.withdrawn_at or wiring().clock.now()
    record("invitation_withdrawn", f"staff:{invitation.email}")
    db.session.commit()
    flash(f"The invitation of {invitation.email} is withdrawn.")
    return redirect(url_for("console.people"))


@console.route("/people/<uuid:staff_id>", methods=["GET", "POST"])
@requires(Permission.PEOPLE_MANAGE)
def person(staff_id: UUID) -> ResponseReturnValue:
    """One member of staff: role, lock, sessions, what they did."""
    staff = db.session.get(Staff, staff_id) or abort(404)
    form = StaffForm(obj=staff)
    if form.validate_on_submit():
        before = {"role": staff.role, "is_active": staff.is_active}
        try:
            accounts.change_staff(
                db.session(), staff, role=Role(form.role.data), is_active=form.is_active.data
            )
        except accounts.AccountRefused as refused:
            db.session.rollback()
            form.role.errors = [str(refused)]
        else:
            if not staff.is_active:
                revoke_sessions(staff.id)
            after = {"role": staff.role, "is_active": staff.is_active}
            record("staff_changed", f"staff:{staff.email}", before=before, after=after)
            db.session.commit()
            flash(f"{staff.name} is changed.")
            return redirect(url_for("console.person", staff_id=staff.id))
    return render_template(
        "console/people/person.html",
        form=form,
        button=EmptyForm(formdata=None),
        person=staff,
        sessions=live_sessions(staff),
    )


@console.post("/people/<uuid:staff_id>/sessions/revoke")
@requires(Permission.PEOPLE_MANAGE)
def revoke_all_sessions(staff_id: UUID) -> ResponseReturnValue:
    """End every session of a member of staff."""
    staff = db.session.get(Staff, staff_id) or abort(404)
    ended = revoke_sessions(staff.id)
    record("sessions_revoked", f"staff:{staff.email}", ended=ended)
    db.session.commit()
    flash(f"{ended} session{'' if ended == 1 else 's'} of {staff.name} ended.")
    return redirect(url_for("console.person", staff_id=staff.id))


@console.post("/people/<uuid:staff_id>/second-factor/reset")
@requires(Permission.PEOPLE_MANAGE)
def reset_second_factor(staff_id: UUID) -> ResponseReturnValue:
    """Take a lost second factor off an account; the person enrols anew at the next sign-in."""
    staff = db.session.get(Staff, staff_id) or abort(404)
    staff.totp_secret, staff.totp_confirmed_at, staff.recovery_hashes = "", None, []
    revoke_sessions(staff.id)
    record("second_factor_reset", f"staff:{staff.email}")
    db.session.commit()
    flash(f"{staff.name} will set up a new second factor.")
    return redirect(url_for("console.person", staff_id=staff.id))


@console.get("/audit")
@requires(Permission.AUDIT_VIEW)
def audit() -> ResponseReturnValue:
    """What staff did, newest first."""
    found = queries.actions(
        db.session(),
        before_id=request.args.get("before", type=int),
        subject=request.args.get("subject", ""),
    )
    return render_template(
        "console/people/audit.html", actions=found, subject=request.args.get("subject", "")
    )
