#include "core/http/otp_language.h"
#include "core/http/otp_preference.h"

/* How closely a media range names a type; the closest range that fits gives the weight (RFC 9110 section 12.5.1). */
typedef enum {
    NAMED_NOT, NAMED_BY_ANY, NAMED_BY_FAMILY, NAMED_EXACTLY
} named_t;

typedef struct {
    named_t named;
    int     weight;
} standing_t;

static named_t range_names(otp_span_t range, otp_span_t family, otp_span_t type)
{
    if (otp_span_equal_nocase(range, type)) {
        return NAMED_EXACTLY;
    }
    if (otp_span_equal_nocase(range, family)) {
        return NAMED_BY_FAMILY;
    }
    return otp_span_equal(range, OTP_SPAN("*/*")) ? NAMED_BY_ANY : NAMED_NOT;
}


static standing_t standing_of(otp_span_t accept, otp_span_t family, otp_span_t type)
{
    standing_t standing = { NAMED_NOT, 0 };
    otp_preference_t preference;

    while (otp_preference_next(&accept, &preference)) {
        named_t named = range_names(preference.value, family, type);

        if (named > standing.named || (named == standing.named && preference.weight > standing.weight)) {
            standing = (standing_t) { named, named == NAMED_NOT ? 0 : preference.weight };
        }
    }
    return standing;
}


bool otp_accept_json(otp_span_t accept)
{
    standing_t json = standing_of(accept, OTP_SPAN("application/*"), OTP_SPAN("application/json"));
    standing_t html = standing_of(accept, OTP_SPAN("text/*"), OTP_SPAN("text/html"));

    if (json.named != NAMED_EXACTLY || json.weight == 0) {
        return false;
    }
    /* "application/json, text/plain, [any]" is what script libraries send: HTML is not asked for by name. */
    return json.weight > html.weight || (json.weight == html.weight && html.named != NAMED_EXACTLY);
}


bool otp_accept_html(otp_span_t accept)
{
    standing_t html = standing_of(accept, OTP_SPAN("text/*"), OTP_SPAN("text/html"));
    standing_t xhtml = standing_of(accept, OTP_SPAN("application/*"), OTP_SPAN("application/xhtml+xml"));

    return (html.named == NAMED_EXACTLY && html.weight > 0) || (xhtml.named == NAMED_EXACTLY && xhtml.weight > 0);
}
