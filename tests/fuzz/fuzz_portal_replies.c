#include "tests/fuzz/fuzz_portal.h"
#include "tests/unit/otp_fake_store.h"

/*
 * Whole requests to the portal, with a Redis that lies.  First byte: which request; then for each command a byte that
 * says what is answered, and what it takes.  Nothing left: the truth.
 *
 * Whatever is answered, the flow comes to an answer, and nobody gets more than what they have proven.
 */
typedef struct {
    fuzz_who_t  who;
    const char *method, *target, *fields;
    otp_level_t most;           /* that this request may open */
} request_t;

#define SECRET_STEP (OTP_FAKE_STEP + 1)
#define PASSCODE    "@"         /* stands for marie's passcode of now */

static const request_t requests[] = {
    { FUZZ_ANYBODY, "POST", "login", "username=marie&method=password&password=Correct+horse+1", OTP_LEVEL_PASSWORD },
    { FUZZ_ANYBODY, "POST", "login", "username=marie&method=password&password=Wrong+horse", OTP_LEVEL_OFF },
    { FUZZ_ANYBODY, "POST", "login", "username=marie&method=passcode&passcode=2580000000", OTP_LEVEL_OFF },
    { FUZZ_ANYBODY, "POST", "login", "username=marie&method=passcode&passcode=" PASSCODE, OTP_LEVEL_OTP },
    { FUZZ_ANYBODY, "POST", "login", "username=nobody&method=passcode&passcode=2580000000", OTP_LEVEL_OFF },
    { FUZZ_MARIE_PASSWORD, "POST", "passcode", "passcode=2580000000", OTP_LEVEL_OFF },
    { FUZZ_MARIE_PASSWORD, "POST", "passcode", "passcode=" PASSCODE, OTP_LEVEL_OTP },
    { FUZZ_MARIE_PASSWORD, "POST", "passcode", "passcode=ABCDE23456", OTP_LEVEL_OFF },
    { FUZZ_MARIE_PASSWORD, "GET", "passcode", NULL, OTP_LEVEL_OFF },
    { FUZZ_MARIE_KEY, "GET", "", NULL, OTP_LEVEL_OFF },
    { FUZZ_MARIE_KEY, "GET", "activity", NULL, OTP_LEVEL_OFF },
    { FUZZ_MARIE_KEY, "GET", "key", NULL, OTP_LEVEL_OFF },
    { FUZZ_MARIE_KEY, "POST", "key/pin", "passcode=" PASSCODE "&pin=8520&pin_confirm=8520", OTP_LEVEL_OFF },
    { FUZZ_MARIE_KEY, "POST", "key/lost", "serial=K-1&reason=lost", OTP_LEVEL_OFF },
    { FUZZ_MARIE_KEY, "POST", "logout", "", OTP_LEVEL_OFF },
    { FUZZ_MARIE_KEY, "POST", "activity/end", "session=0123456789ab", OTP_LEVEL_OFF },
    { FUZZ_LEA_PIN, "GET", "pin", NULL, OTP_LEVEL_OFF },
    { FUZZ_LEA_PIN, "POST", "pin", "pin=8520&pin_confirm=8520", OTP_LEVEL_OFF },
    { FUZZ_LEA_PIN, "POST", "key", "serial=N-1&code=000000", OTP_LEVEL_OFF },
    { FUZZ_PAUL_KEY, "GET", "helpdesk?q=mar", NULL, OTP_LEVEL_OFF },
    { FUZZ_PAUL_KEY, "GET", "helpdesk/user/marie", NULL, OTP_LEVEL_OFF },
    { FUZZ_PAUL_KEY, "GET", "helpdesk/requests", NULL, OTP_LEVEL_OFF },
    { FUZZ_PAUL_KEY, "GET", "helpdesk/user/marie/pin-clear", NULL, OTP_LEVEL_OFF },
    { FUZZ_PAUL_KEY, "POST", "helpdesk/user/marie/pin-clear", "", OTP_LEVEL_OFF },
    { FUZZ_PAUL_KEY, "POST", "helpdesk/user/marie/key-disable", "serial=K-1&reason=stolen", OTP_LEVEL_OFF },
    { FUZZ_PAUL_KEY, "POST", "helpdesk/user/marie/key-assign", "serial=N-1", OTP_LEVEL_OFF },
    { FUZZ_PAUL_KEY, "POST", "helpdesk/user/marie/emergency", "", OTP_LEVEL_OFF },
    { FUZZ_PAUL_KEY, "POST", "helpdesk/requests/N-1/approve", "", OTP_LEVEL_OFF },
    { FUZZ_ANYBODY, "GET", "login?rd=/marks/", NULL, OTP_LEVEL_OFF },
    { FUZZ_ANYBODY, "GET", "health", NULL, OTP_LEVEL_OFF }
};
#define REQUESTS (sizeof(requests) / sizeof(requests[0]))

typedef enum {
    LIE_NIL, LIE_TEXT, LIE_INTEGER, LIE_ERROR, LIE_EMPTY, LIE_ARRAY, LIE_MOVED, LIE_LOST
} lie_t;

#define HONEST_BELOW    0x40    /* what is answered is true */
#define DEPTH_MAX       3

static otp_span_t owned(otp_span_t text)
{
    char *copy = malloc(text.len + 1);

    FUZZ_REQUIRE(copy != NULL);
    if (text.len > 0) {
        memcpy(copy, text.data, text.len);
    }
    copy[text.len] = '\0';
    return (otp_span_t) { copy, text.len };
}


/* A record that is true, of something else. */
static otp_span_t another(const otp_fake_redis_t *redis, size_t number)
{
    const otp_fake_entry_t *entry = &redis->entry[number % redis->entries];

    return (otp_span_t) { entry->value, entry->value_len };
}


static otp_reply_t invented(const otp_fake_redis_t *redis, otp_span_t *input, unsigned depth)
{
    uint8_t     what = fuzz_byte(input);
    otp_reply_t reply = { .kind = OTP_REPLY_NIL };

    switch ((lie_t) (what % 8)) {
    case LIE_TEXT:
        reply = (otp_reply_t) { .kind = OTP_REPLY_TEXT, .text = owned(fuzz_take(input, fuzz_byte(input))) };
        break;
    case LIE_INTEGER:
        reply = (otp_reply_t) { .kind = OTP_REPLY_INTEGER, .integer = (int8_t) fuzz_byte(input) };
        if (what & 0x08) {
            reply.integer = reply.integer < 0 ? INT64_MIN : INT64_MAX;
        }
        break;
    case LIE_ERROR:
        reply = (otp_reply_t) { .kind = OTP_REPLY_ERROR, .text = owned(OTP_SPAN("OOM command not allowed")) };
        break;
    case LIE_ARRAY:
        reply = (otp_reply_t) { .kind = OTP_REPLY_ARRAY, .elements = depth < DEPTH_MAX ? what >> 3 & 0x07 : 0 };
        reply.element = calloc(reply.elements + 1, sizeof(*reply.element));
        FUZZ_REQUIRE(reply.element != NULL);
        for (size_t i = 0; i < reply.elements; i++) {
            reply.element[i] = invented(redis, input, depth + 1);
        }
        break;
    case LIE_EMPTY:
        reply = (otp_reply_t) { .kind = OTP_REPLY_ARRAY };
        break;
    case LIE_MOVED:
        reply = (otp_reply_t) { .kind = OTP_REPLY_TEXT, .text = owned(another(redis, fuzz_byte(input))) };
        break;
    case LIE_NIL:
    case LIE_LOST:
        break;
    }
    return reply;
}


static void lie(otp_fake_redis_t *redis, const otp_command_t *command, otp_fake_replies_t *replies)
{
    otp_span_t  *input = &fuzz_stage.lies;
    otp_reply_t *reply = &replies->reply[replies->count - 1];

    if (input->len > 0 && (uint8_t) input->data[0] >= HONEST_BELOW) {
        replies->lost |= (uint8_t) input->data[0] % 8 == LIE_LOST;
        otp_fake_reply_free(reply);
        *reply = invented(redis, input, 0);
    } else {
        (void) fuzz_byte(input);
    }
    fuzz_watch(command, replies);
}


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const request_t         *request;
    const otp_fake_answer_t *answer;
    otp_fake_browser_t       browser;
    char                     body[512] = "";
    const char              *at;
    uint8_t                  first;

    fuzz_open();
    fuzz_stage.lies = (otp_span_t) { (const char *) data, size };
    first = fuzz_byte(&fuzz_stage.lies);
    request = &requests[(first & 0x7f) % REQUESTS];
    browser = fuzz_stage.browser[request->who];
    browser.accept = first & 0x80 ? "text/html" : NULL;
    if (request->fields != NULL) {
        at = strstr(request->fields, PASSCODE);
        (void) snprintf(body, sizeof(body), "%.*s%s%s&csrf=%s",
                        at != NULL ? (int) (at - request->fields) : (int) strlen(request->fields), request->fields,
                        at != NULL ? otp_fake_passcode(OTP_FAKE_PIN, "K-1", SECRET_STEP).text : "",
                        at != NULL ? at + strlen(PASSCODE) : "", browser.token);
    }
    answer = fuzz_ask(&browser, lie, request->method, request->target, body);
    fuzz_judge(answer);
    FUZZ_REQUIRE(fuzz_stage.opened <= request->most);
    /* Without a lie, all of it. */
    FUZZ_REQUIRE(size > 1 || (fuzz_stage.opened == request->most && answer->status < 500));
    if (answer->status < 400) {
        FUZZ_ACCEPTED();
    }
    return 0;
}
