#include <stdio.h>
#include <string.h>

#include "core/portal/otp_flow_private.h"

/* What follows from the rest of a view: templates have sections, but no conditions. */


/* "has_keys" beside `keys`, unless there is none: what stands once around all rows. */
OTP_MUST_USE static bool otp_view_lists(json_t *view)
{
    static const char *const lists[] = { "signals", "keys", "sessions", "events", "people", "requests" };
    char                     flag[24];

    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        (void) snprintf(flag, sizeof(flag), "has_%s", lists[i]);
        if (json_array_size(json_object_get(view, lists[i])) != 0 && !otp_row_flag(view, flag, true)) {
            return false;
        }
    }

    return true;
}


/* "others": there are sessions beside the current one. */
OTP_MUST_USE static bool otp_view_others(json_t *view)
{
    const json_t *sessions = json_object_get(view, "sessions");

    for (size_t i = 0; i < json_array_size(sessions); i++) {
        if (!json_is_true(json_object_get(json_array_get(sessions, i), "current"))) {
            return otp_row_flag(view, "others", true);
        }
    }

    return true;
}


/* "done": one of the done_… is there. */
OTP_MUST_USE static bool otp_view_done(json_t *view)
{
    for (void *at = json_object_iter(view); at != NULL; at = json_object_iter_next(view, at)) {
        if (strncmp(json_object_iter_key(at), "done_", 5) == 0) {
            return otp_row_flag(view, "done", true);
        }
    }

    return true;
}


/* Where in the navigation the page is; NULL: nowhere. */
OTP_MUST_USE static const char *otp_view_place(otp_page_t page)
{
    switch (page) {
    case OTP_PAGE_HOME:
        return "here_applications";
    case OTP_PAGE_KEY:
    case OTP_PAGE_KEY_PIN:
        return "here_key";
    case OTP_PAGE_ACTIVITY:
        return "here_activity";
    case OTP_PAGE_HELPDESK:
    case OTP_PAGE_HELPDESK_PERSON:
    case OTP_PAGE_HELPDESK_CONFIRM:
    case OTP_PAGE_HELPDESK_EMERGENCY:
    case OTP_PAGE_HELPDESK_REQUESTS:
        return "here_helpdesk";
    case OTP_PAGE_LOGIN:
    case OTP_PAGE_PASSCODE:
    case OTP_PAGE_PIN:
    case OTP_PAGE_HELP:
    case OTP_PAGE_ERROR:
        break;
    }

    return NULL;
}


bool otp_view_around(json_t *view, otp_page_t page)
{
    const char *place = otp_view_place(page);

    return otp_view_lists(view) && otp_view_others(view) && otp_view_done(view)
           && (place == NULL || otp_row_flag(view, place, true));
}
