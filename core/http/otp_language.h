/*
 * Which language a page is in, and whether a page is wanted at all.
 */
#ifndef OTP_LANGUAGE_H
#define OTP_LANGUAGE_H

#include "core/base/otp_span.h"

/* The index in `offered` (lower case primary tags, "fr") that Accept-Language (RFC 9110 section 12.5.4) prefers;
 * 0, the first, when it prefers none.  A tag matches by its primary subtag, the best weight of several counts;
 * q=0 excludes; '*' is the first not excluded; equal q: the order of the header. */
size_t otp_language_choose(otp_span_t accept_language, const otp_span_t *offered, size_t n);

/* Whether Accept (RFC 9110 section 12.5.1) prefers `application/json` to `text/html`; an absent header, a
 * tie or wildcards alone mean HTML.  Named JSON wins a tie against HTML that only a wildcard covers. */
bool otp_accept_json(otp_span_t accept);

/* Whether Accept names text/html (or application/xhtml+xml) with q > 0: what a browser's navigation sends. */
bool otp_accept_html(otp_span_t accept);

#endif
