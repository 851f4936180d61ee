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
    "signed_out", "retry_after", "wait", "first_use_needs_password",
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
};

#endif
