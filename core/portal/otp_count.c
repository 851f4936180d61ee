#include <string.h>

#include "core/base/otp_buffer.h"
#include "core/portal/otp_flow_private.h"

#define OTP_ADDRESS_FORGET  6       /* seconds */


static void otp_count_name(otp_flow_t *flow, otp_counting_t *counting, otp_name_kind_t kind, otp_span_t id)
{
    size_t len = id.len > sizeof(counting->id) ? sizeof(counting->id) : id.len;

    memcpy(counting->id, id.data, len);
    counting->id_len = len;
    counting->kind = kind;
    otp_name_of(&counting->name, kind, flow->settings->prefix, (otp_span_t) { counting->id, len });
    otp_name_events(&counting->stream, flow->settings->prefix, (otp_span_t) { counting->id, len });
}


/* What somebody typed there may be anything, a password too: only its digest is kept.  Browsers that the person has
 * used before share a throttle of their own: strangers do not delay the owner, and who has collected many such
 * cookies has no more attempts than with one.  Nor does who knows the password delay a browser that
 * has seen the key. */
OTP_MUST_USE static bool otp_count_digest(otp_flow_t *flow, otp_span_t uid, uint8_t digest[OTP_DIGEST_LEN])
{
    char         text[OTP_UID_LEN + sizeof(OTP_THROTTLE_PASSWORD)];
    otp_buffer_t out;

    otp_buffer_init(&out, text, sizeof(text));
    otp_buffer_add(&out, uid);
    if (flow->device.known) {
        otp_buffer_add_text(&out, flow->device.proven ? OTP_THROTTLE_KNOWN : OTP_THROTTLE_PASSWORD);
    }

    return !out.overflow && otp_keyring_sha256(flow->settings->ring, otp_buffer_span(&out), digest) == OTP_OK;
}


bool otp_count_ask(otp_flow_t *flow, otp_span_t uid)
{
    char         hex[2 * OTP_DIGEST_LEN], address[OTP_THROTTLE_ADDRESS_MAX];
    uint8_t      digest[OTP_DIGEST_LEN];
    otp_buffer_t out;

    if (uid.len != 0) {
        if (!otp_count_digest(flow, uid, digest)) {
            return false;
        }
        otp_buffer_init(&out, hex, sizeof(hex));
        otp_buffer_add_hex(&out, digest, sizeof(digest));
        otp_count_name(flow, &flow->user_count, OTP_NAME_THROTTLE_USER, otp_buffer_span(&out));
        otp_command_add(otp_flow_command(flow, "GET"), otp_name_span(&flow->user_count.name));
    }

    otp_count_name(flow, &flow->address_count, OTP_NAME_THROTTLE_ADDRESS,
                   otp_throttle_address(flow->request->address, address));
    otp_command_add(otp_flow_command(flow, "GET"), otp_name_span(&flow->address_count.name));

    return true;
}


bool otp_count_ask_request(otp_flow_t *flow, otp_span_t uid)
{
    char         text[sizeof("request:") + OTP_UID_LEN], hex[2 * OTP_DIGEST_LEN];
    uint8_t      digest[OTP_DIGEST_LEN];
    otp_buffer_t id, out;

    otp_buffer_init(&id, text, sizeof(text));
    otp_buffer_add_text(&id, "request:");
    otp_buffer_add(&id, uid);
    if (id.overflow || otp_keyring_sha256(flow->settings->ring, otp_buffer_span(&id), digest) != OTP_OK) {
        return false;
    }

    otp_buffer_init(&out, hex, sizeof(hex));
    otp_buffer_add_hex(&out, digest, sizeof(digest));
    otp_count_name(flow, &flow->user_count, OTP_NAME_THROTTLE_USER, otp_buffer_span(&out));
    otp_command_add(otp_flow_command(flow, "GET"), otp_name_span(&flow->user_count.name));

    return true;
}


OTP_MUST_USE static bool otp_count_take(otp_flow_t *flow, otp_counting_t *counting, otp_span_t stored)
{
    if (stored.len > sizeof(counting->stored)) {
        return false;
    }

    if (stored.len != 0) {
        memcpy(counting->stored, stored.data, stored.len);
    }
    counting->stored_len = stored.len;

    return otp_throttle_read(flow->settings->ring, otp_name_span(&counting->name),
                             (otp_span_t) { counting->stored, counting->stored_len }, &counting->throttle)
           == OTP_OK;
}


bool otp_count_read(otp_flow_t *flow, otp_counting_t *counting, size_t i)
{
    return otp_count_take(flow, counting, otp_flow_reply_text(flow, i));
}


static otp_effect_t otp_count_swapped(otp_flow_t *flow);


/* The compare-and-set of what was read against what is counted now. */
OTP_MUST_USE static bool otp_count_command(otp_flow_t *flow, otp_counting_t *counting)
{
    int64_t    kept_s = OTP_THROTTLE_KEPT_S + flow->settings->limits.delay_max_s;
    otp_swap_t swap = { 0 };

    if (otp_throttle_write(flow->settings->ring, otp_name_span(&counting->name), &counting->throttle, counting->record,
                           sizeof(counting->record), &counting->record_len) != OTP_OK)
    {
        return false;
    }

    swap.key = otp_name_span(&counting->name);
    swap.stream = otp_name_span(&counting->stream);
    swap.expected = (otp_span_t) { counting->stored, counting->stored_len };
    swap.next = (otp_span_t) { counting->record, counting->record_len };
    swap.ttl_ms = otp_flow_number(counting->ttl, kept_s * 1000);
    otp_swap_command(&swap, otp_flow_command(flow, ""));

    return true;
}


void otp_count_release_command(otp_flow_t *flow, otp_counting_t *counting)
{
    otp_throttle_release(&counting->throttle);
    if (!otp_count_command(flow, counting)) {
        /* It stays counted. */
        return;
    }
}


static otp_effect_t otp_count_write(otp_flow_t *flow)
{
    const otp_limits_t *limits = &flow->settings->limits;
    otp_counting_t     *counting = flow->counting;
    bool                user = counting->kind == OTP_NAME_THROTTLE_USER;

    otp_throttle_count(&counting->throttle, user ? limits->password_free : limits->address_free, limits->delay_max_s,
                       user ? 0 : OTP_ADDRESS_FORGET, flow->now_s);

    return otp_count_command(flow, counting) ? otp_flow_commands(flow, otp_count_swapped)
                                             : otp_answer_unavailable(flow);
}


static otp_effect_t otp_count_swapped(otp_flow_t *flow)
{
    otp_span_t      stored;
    otp_counting_t *counting = flow->counting;

    switch (otp_swap_result(flow->reply == NULL ? NULL : flow->reply[0], &stored)) {
    case OTP_SWAPPED:
        memcpy(counting->stored, counting->record, counting->record_len);
        counting->stored_len = counting->record_len;
        return flow->counted(flow);
    case OTP_SWAP_LOST:
        if (counting->tries++ == OTP_SWAP_TRIES || !otp_count_take(flow, counting, stored)) {
            break;
        }
        if (flow->outrun != NULL && otp_throttle_wait(&counting->throttle, flow->now_s) != 0) {
            return flow->outrun(flow);
        }
        return otp_count_write(flow);
    case OTP_SWAP_FAILED:
        break;
    }

    return otp_answer_unavailable(flow);
}


static otp_effect_t otp_count_refusal_told(otp_flow_t *flow)
{
    return otp_flow_replies_good(flow) ? otp_answer_throttled(flow, flow->refused_flag, flow->refused_for_s)
                                       : otp_answer_unavailable(flow);
}


int64_t otp_count_address_wait(const otp_flow_t *flow)
{
    return flow->device.known ? 0 : otp_throttle_wait(&flow->address_count.throttle, flow->now_s);
}


static otp_effect_t otp_count_busy_told(otp_flow_t *flow)
{
    return otp_flow_replies_good(flow) ? otp_answer_busy(flow, flow->refused_for_s) : otp_answer_unavailable(flow);
}


/* Writes the event, and lets those who sent the same form go on by themselves. */
static otp_effect_t otp_count_tell(otp_flow_t *flow, const char *event_name, const char *verdict, int64_t wait_s,
    otp_flow_stage_t told)
{
    otp_span_t  line, uid = otp_span_of(flow->uid);
    otp_event_t event;

    otp_flow_event(flow, event_name, verdict, uid, &event);
    line = otp_flow_event_line(flow, &event);
    if (line.len == 0) {
        return otp_answer_unavailable(flow);
    }

    flow->refused_for_s = wait_s;
    otp_flow_event_command(flow, uid, line);
    otp_once_release_command(flow);

    return otp_flow_commands(flow, told);
}


otp_effect_t otp_count_refuse(otp_flow_t *flow, const char *event_name, const char *flag, int64_t wait_s)
{
    flow->refused_flag = flag;

    return otp_count_tell(flow, event_name, "throttled", wait_s, otp_count_refusal_told);
}


otp_effect_t otp_count_busy(otp_flow_t *flow, const char *event_name)
{
    return otp_count_tell(flow, event_name, "busy", flow->person_result.retry_after_s, otp_count_busy_told);
}


otp_effect_t otp_count(otp_flow_t *flow, otp_counting_t *counting, otp_flow_stage_t counted, otp_flow_stage_t outrun)
{
    flow->counting = counting;
    flow->counted = counted;
    flow->outrun = outrun;

    return otp_count_write(flow);
}
