#include "tests/fuzz/fuzz_portal.h"

/*
 * Requests to the portal as anybody may send them, with a Redis that tells the truth.  First byte: who, and how; then a
 * line each for target, form, a cookie's name and value, Accept-Language, Host and Origin.
 */
#define TOKEN       0x10        /* the form carries one that fits */
#define HTML        0x20
#define POST        0x40
#define ODD         0x80        /* HEAD instead of GET, PUT instead of POST */
#define STEPS       12

/* In memory of its own, with a final NUL; the next part of the input. */
static char *line_of(otp_span_t *rest)
{
    otp_span_t line = rest->data ? otp_span_cut(rest, '\n') : OTP_SPAN("");
    char      *text = line.len > 0 ? strndup(line.data, line.len) : strdup("");

    FUZZ_REQUIRE(text != NULL);
    return text;
}


/* What this form may open: whoever knows the password, or a code that a key shows, may be let in. */
static otp_level_t proven(const char *body)
{
    char       *text = malloc(strlen(body) + 1);
    otp_form_t  form;
    otp_level_t level = OTP_LEVEL_OFF;

    FUZZ_REQUIRE(text != NULL);
    if (otp_form_parse(otp_span_of(body), text, &form) == OTP_OK) {
        for (size_t i = 0; i < form.fields; i++) {
            otp_span_t value = form.field[i].value;

            if (level < OTP_LEVEL_PASSWORD && otp_span_starts(value, OTP_SPAN("Correct horse "))) {
                level = OTP_LEVEL_PASSWORD;
            }
            for (int step = -STEPS; step <= STEPS; step++) {
                otp_fake_passcode_t marie = otp_fake_passcode("", "K-1", OTP_FAKE_STEP + step);
                otp_fake_passcode_t paul = otp_fake_passcode("", "KP", OTP_FAKE_STEP + step);

                if (value.len > 0 && (memmem(value.data, value.len, marie.text, 6) != NULL
                                      || memmem(value.data, value.len, paul.text, 6) != NULL))
                {
                    level = OTP_LEVEL_OTP;
                }
            }
        }
    }
    free(text);
    return level;
}


static void truth(otp_fake_redis_t *redis, const otp_command_t *command, otp_fake_replies_t *replies)
{
    (void) redis;
    fuzz_watch(command, replies);
}


static void ask(otp_fake_browser_t *browser, uint8_t how, const char *target, const char *form)
{
    const char              *method = how & POST ? (how & ODD ? "PUT" : "POST") : how & ODD ? "HEAD" : "GET";
    size_t                   room = strlen(form) + sizeof(browser->token) + 8;
    char                    *body = malloc(room);
    const otp_fake_answer_t *answer;

    FUZZ_REQUIRE(body != NULL);
    (void) snprintf(body, room, "%s%s%s", form, how & TOKEN ? "&csrf=" : "", how & TOKEN ? browser->token : "");
    answer = fuzz_ask(browser, truth, method, target, how & POST ? body : NULL);
    fuzz_judge(answer);
    FUZZ_REQUIRE(answer->status < 500);
    FUZZ_REQUIRE(fuzz_stage.opened <= (how & POST ? proven(body) : OTP_LEVEL_OFF));
    /* What somebody sends is text in a page, never a tag. */
    FUZZ_REQUIRE(!(how & HTML) || strstr(answer->body, "<fuzz") == NULL);
    if (answer->status < 400) {
        FUZZ_ACCEPTED();
    }
    free(body);
}


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    otp_span_t         rest = { (const char *) data, size < 16384 ? size : 16384 };
    uint8_t            how = fuzz_byte(&rest);
    otp_fake_browser_t browser;
    char              *target = line_of(&rest), *form = line_of(&rest), *name = line_of(&rest), *value = line_of(&rest);
    char              *language = line_of(&rest), *host = line_of(&rest), *origin = line_of(&rest);

    fuzz_open();
    browser = fuzz_stage.browser[(how & 0x0f) % FUZZ_WHO];
    browser.accept = how & HTML ? "text/html" : NULL;
    browser.accept_language = *language ? language : NULL;
    browser.host = *host ? host : NULL;
    browser.origin = *origin ? origin : NULL;
    if (*name && browser.cookies < 8) {
        (void) snprintf(browser.cookie[browser.cookies].name, sizeof(browser.cookie[0].name), "%s", name);
        (void) snprintf(browser.cookie[browser.cookies].value, sizeof(browser.cookie[0].value), "%s", value);
        browser.cookies++;
    }
    ask(&browser, how, target, form);
    free(target);
    free(form);
    free(name);
    free(value);
    free(language);
    free(host);
    free(origin);
    return 0;
}
