#include <string.h>
#include <time.h>

#include "core/base/otp_buffer.h"
#include "otpctl/notify/otpctl_notify.h"
#include "otpctl/otpctl_print.h"

#define TEXT_MAX    2048

/* A text of somebody else's as one line: whoever chose a name or gave a reason does not shape the mail. */
static bool set(json_t *view, const char *name, otp_span_t text)
{
    char         line[TEXT_MAX];
    otp_buffer_t out;

    otp_buffer_init(&out, line, sizeof(line));
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char) text.data[i];
        /* U+0080 to U+009F are control characters too, and begin with this byte. */
        bool          c1 = c == 0xc2 && i + 1 < text.len && (unsigned char) text.data[i + 1] < 0xa0;

        otp_buffer_add_char(&out, c < 0x20 || c == 0x7f || c1 ? ' ' : (char) c);
        i += c1;
    }
    text = otp_span_trim(otp_buffer_span(&out));
    return text.len == 0 || json_object_set_new(view, name, otpctl_json_span(text)) == 0;
}


static bool set_text(json_t *view, const char *name, const char *text)
{
    return set(view, name, otp_span_of(text));
}


/* Local time, as people write it. */
static bool set_time(json_t *view, const char *name, int64_t time_s, otp_span_t language)
{
    bool      french = otp_span_equal(language, OTP_SPAN("fr"));
    time_t    time = (time_t) time_s;
    struct tm tm;
    char      text[64];

    if (time_s <= 0 || !localtime_r(&time, &tm)) {
        return true;
    }
    (void) strftime(text, sizeof(text), french ? "%d/%m/%Y à %H:%M" : "%Y-%m-%d %H:%M", &tm);
    return set_text(view, name, text);
}


/* Why a key was disabled is one of three words, which the templates put into theirs; a rejection is said in an
 * agent's words.  What came with a mixed up code is nobody's to read. */
static bool set_reason(json_t *view, const otp_mail_t *mail)
{
    static const struct {
        const char *word, *name;
    } reasons[] = { { "lost", "reason_lost" }, { "stolen", "reason_stolen" }, { "broken", "reason_broken" } };

    if (mail->kind == OTP_MAIL_KEY_MIXUP) {
        return true;
    }
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        if (otp_span_equal(mail->reason, otp_span_of(reasons[i].word))) {
            return json_object_set_new(view, reasons[i].name, json_true()) == 0;
        }
    }
    return set(view, "reason", mail->reason);
}


static bool set_site(json_t *view, const otpctl_notify_settings_t *settings)
{
    bool support = *settings->support.address || settings->support_phone || settings->support_hours;

    return set_text(view, "portal", settings->portal)
        && set_text(view, "support_email", settings->support.address)
        && set_text(view, "support_phone", settings->support_phone)
        && set_text(view, "support_hours", settings->support_hours)
        && json_object_set_new(view, "support", json_boolean(support)) == 0;
}


json_t *otpctl_letter_view(const otpctl_notify_settings_t *settings, const otpctl_delivery_t *delivery, otp_span_t name,
    otp_span_t language)
{
    const otp_mail_t *mail = &delivery->mail;
    bool              mixup = mail->kind == OTP_MAIL_KEY_MIXUP;
    otp_span_t        serial = mixup ? otp_span_of(delivery->mixup.serial) : mail->serial;
    json_t           *view = json_object();

    if (view && set(view, "lang", language) && set(view, "name", name) && set(view, "user", mail->uid)
        && set(view, "serial", serial) && set(view, "address", mail->address)
        && set_time(view, "when", mail->time_ms / 1000, language) && set_time(view, "until", mail->until, language)
        && set_reason(view, mail) && set_text(view, "holder", mixup ? delivery->mixup.holder : NULL)
        && set_text(view, "own_keys", mixup ? delivery->mixup.own_keys : NULL)
        && set(view, "asked", mixup ? mail->serial : OTP_SPAN_NONE) && set_site(view, settings))
    {
        return view;
    }
    json_decref(view);
    return NULL;
}
