/*
 * The names that pages are given: variables, sections, and fields of the elements of arrays, in one flat list.
 * A template that uses another one is refused at `nginx -t`.  Included by otp_page_check.c only.
 * The addresses of static files, static_<name>, are known from the files themselves.
 */
#ifndef OTP_PAGE_NAMES_H
#define OTP_PAGE_NAMES_H

static const char *const otp_page_names[] = {
    /* every page */
    "lang", "portal", "csrf", "user", "name", "rd", "query", "languages", "code", "current",
    "support", "support_email", "support_phone", "support_hours", "help_link",
    /* signing in: the form again, and why */
    "username", "by_passcode", "form_expired", "denied", "already_used", "throttled", "locked", "busy", "emergency",
    "wait_next_code", "signed_out", "retry_after", "wait", "first_use_needs_password",
    /* numbers of otp_limits */
    "code_digits", "pin_min", "pin_max", "pin_minutes",
    /* what the passcode page asks for */
    "state_step_up", "state_first_use", "state_next_code", "state_wait_next_code",
    /* why a PIN was refused */
    "pin_refused", "refused_mismatch", "refused_length", "refused_digits", "refused_repeated", "refused_sequence",
    "refused_date", "refused_personal", "refused_previous",
    /* the list of applications */
    "applications", "location", "text", "needs_key", "level_otp",
    /* the error page */
    "error_forbidden", "error_not_found", "error_unavailable", "error_bad_request", "error_form",
    "error_too_large", "error_method",
    /* every page of somebody who is signed in: the way to the helpdesk's pages, and how many requests wait there */
    "agent", "waiting_requests",
    /* somebody's keys and the request for one */
    "keys", "serial", "usable", "disabled", "reason_lost", "reason_stolen", "reason_broken", "pin_set", "first_use",
    "event_key", "assigned_time", "used_time", "drift", "type", "can_change_pin", "can_dismiss",
    "request_waiting", "request_rejected", "request_serial", "request_time", "request_reason",
    "serial_refused", "requested", "already_requested", "approved", "lost_done", "pin_changed",
    /* what makes one think that somebody else has half of the passcode */
    "signals", "signal_code_without_pin", "signal_pin_without_code", "signal_replay", "signal_locked", "count",
    "signal_time", "signals_seen",
    /* open sessions */
    "sessions", "id", "created_time", "expires_time", "by_password", "by_key", "by_emergency", "ended", "ended_none",
    /* what happened: the last events of somebody */
    "events", "event_time", "event", "verdict", "actor", "address", "note", "reason", "reason_text",
    "event_password", "event_passcode", "event_next_code", "event_pin", "event_pin_change", "event_logout",
    "event_key_assign", "event_key_unassign", "event_key_disable", "event_key_enable", "event_key_resync",
    "event_pin_clear", "event_user_unlock", "event_emergency", "event_emergency_revoke", "event_session_revoke",
    "event_request", "event_request_approve", "event_request_reject", "event_signals_seen", "event_key_mixup",
    "event_other",
    "verdict_ok", "verdict_denied", "verdict_throttled", "verdict_already_used", "verdict_found", "verdict_other",
    "reason_emergency", "reason_emergency_ended",
    /* the helpdesk: looking for somebody, and what is known of them */
    "searched", "people", "email", "more", "after", "nobody", "stock_serial", "stock_disabled",
    "person", "person_name", "person_email", "person_groups", "person_address",
    "failures", "no_key", "locked_time", "locked_total", "emergency_live", "emergency_time", "emergency_blocked",
    "emergency_over", "own_account",
    "other_agent", "out_of_reach",
    /* what was just done */
    "done_pin_clear", "done_key_assign", "done_key_unassign", "done_key_disable", "done_key_enable",
    "done_emergency", "done_emergency_revoke", "done_unlock", "done_sessions_revoke", "done_approve", "done_reject",
    /* what is about to be done */
    "action", "do_pin_clear", "do_key_assign", "do_key_unassign", "do_key_disable", "do_key_enable", "do_emergency",
    "do_emergency_revoke", "do_unlock", "do_sessions_revoke", "do_approve", "do_reject",
    "needs_reason", "needs_reason_text", "needs_serial", "needs_note", "session", "reason_missing", "note_missing",
    "serial_missing",
    /* what held when it was asked, and whether it does still */
    "asked_at", "was", "was_usable", "was_disabled", "was_lost", "was_stolen", "was_broken", "changed_since",
    /* what stands against it */
    "refused_text", "stop_held", "stop_disabled", "stop_returning", "stop_orphan", "stop_full", "stop_no_key",
    "stop_assigned",
    "stop_no_stock", "stop_no_request", "stop_requested", "stop_no_emergency", "stop_no_session", "stop_other",
    "stop_not_free",
    /* an emergency password, shown once */
    "password", "password_spaced",
    /* the requests that wait */
    "requests", "asked_time", "batch",
    /* whether a list has elements, for what stands once around its rows; which page of the navigation this is */
    "has_signals", "has_keys", "has_sessions", "has_events", "has_people", "has_requests", "done", "others",
    "here_applications", "here_key", "here_activity", "here_helpdesk",
    "verdict_pin_required", "verdict_next_code", "verdict_wait_next_code", "verdict_pin_refused", "session_time",
};

#endif
