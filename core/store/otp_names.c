#include "core/store/otp_names.h"

#include "core/base/otp_buffer.h"


static const char *const otp_name_prefix[] = {
    [OTP_NAME_ACCOUNT] = "acct",
    [OTP_NAME_STOCK] = "key",
    [OTP_NAME_USER_SESSIONS] = "user",
    [OTP_NAME_THROTTLE_USER] = "thru",
    [OTP_NAME_THROTTLE_ADDRESS] = "thra",
    [OTP_NAME_ONCE] = "once",
    [OTP_NAME_DECOY] = "deco",
    [OTP_NAME_HISTORY] = "hist",
};


otp_span_t otp_name_span(const otp_name_t *name)
{
    return (otp_span_t) { name->data, name->len };
}


/* FNV-1a, 32 bits: spreads names over the tags, no more. */
static unsigned otp_name_tag(otp_span_t id)
{
    uint32_t hash = 2166136261u;

    for (size_t i = 0; i < id.len; i++) {
        hash = (hash ^ (uint8_t) id.data[i]) * 16777619u;
    }

    return (hash ^ (hash >> 16)) % OTP_TAGS;
}


static void otp_name_write(otp_name_t *name, otp_span_t prefix, const char *what, unsigned tag, otp_span_t id)
{
    otp_buffer_t out;

    otp_buffer_init(&out, name->data, sizeof(name->data));
    otp_buffer_add(&out, prefix);
    otp_buffer_add_text(&out, what);
    otp_buffer_add_text(&out, ":{");
    otp_buffer_add_char(&out, "0123456789abcdef"[tag % OTP_TAGS]);
    otp_buffer_add_char(&out, '}');
    if (id.len != 0) {
        otp_buffer_add_char(&out, ':');
        otp_buffer_add(&out, id);
    }
    name->len = otp_buffer_span(&out).len;
}


void otp_name_of(otp_name_t *name, otp_name_kind_t kind, otp_span_t prefix, otp_span_t id)
{
    otp_name_write(name, prefix, otp_name_prefix[kind], otp_name_tag(id), id);
}


void otp_name_events(otp_name_t *name, otp_span_t prefix, otp_span_t id)
{
    otp_name_events_tag(name, prefix, otp_name_tag(id));
}


void otp_name_events_tag(otp_name_t *name, otp_span_t prefix, unsigned tag)
{
    otp_name_write(name, prefix, "events", tag, OTP_SPAN_NONE);
}


void otp_name_mail(otp_name_t *name, otp_span_t prefix, otp_span_t id)
{
    otp_name_mail_tag(name, prefix, otp_name_tag(id));
}


void otp_name_mail_tag(otp_name_t *name, otp_span_t prefix, unsigned tag)
{
    otp_name_write(name, prefix, "mail", tag, OTP_SPAN_NONE);
}


void otp_name_mail_failed_tag(otp_name_t *name, otp_span_t prefix, unsigned tag)
{
    otp_name_write(name, prefix, "mailfail", tag, OTP_SPAN_NONE);
}


void otp_name_waiting(otp_name_t *name, otp_span_t prefix, otp_span_t id)
{
    otp_name_waiting_tag(name, prefix, otp_name_tag(id));
}


void otp_name_waiting_tag(otp_name_t *name, otp_span_t prefix, unsigned tag)
{
    otp_name_write(name, prefix, "wait", tag, OTP_SPAN_NONE);
}


void otp_name_master_tag(otp_name_t *name, otp_span_t prefix, unsigned tag)
{
    otp_name_write(name, prefix, "master", tag, OTP_SPAN_NONE);
}


void otp_name_sessions(otp_name_t *name, otp_span_t prefix)
{
    otp_buffer_t out;

    otp_buffer_init(&out, name->data, sizeof(name->data));
    otp_buffer_add(&out, prefix);
    otp_buffer_add_text(&out, "sess:");
    name->len = otp_buffer_span(&out).len;
}


void otp_name_cookie(otp_name_t *name, otp_span_t prefix, const char *what, otp_span_t digest)
{
    otp_buffer_t out;

    otp_buffer_init(&out, name->data, sizeof(name->data));
    otp_buffer_add(&out, prefix);
    otp_buffer_add_text(&out, what);
    otp_buffer_add_text(&out, ":{");
    otp_buffer_add(&out, digest);
    otp_buffer_add_char(&out, '}');
    name->len = otp_buffer_span(&out).len;
}
