#include <string.h>

#include "core/base/otp_buffer.h"
#include "core/portal/otp_flow_private.h"

/* A decision about an account: read, decide, compare-and-set with the audit event; lost to another
 * request, decide again about what that one stored. */

static otp_effect_t otp_attempt_decide(otp_flow_t *flow);


int64_t otp_attempt_display_changes(const otp_flow_t *flow)
{
    return flow->now_s + flow->attempt.decision.wait_s;
}


/* What somebody typed there may be anything: only its digest is a name. */
OTP_MUST_USE static bool otp_attempt_decoy_name(otp_flow_t *flow, otp_name_t *name, otp_name_t *stream)
{
    char         hex[2 * OTP_DIGEST_LEN];
    uint8_t      digest[OTP_DIGEST_LEN];
    otp_buffer_t out;

    if (otp_keyring_sha256(flow->settings->ring, otp_span_of(flow->uid), digest) != OTP_OK) {
        return false;
    }

    otp_buffer_init(&out, hex, sizeof(hex));
    otp_buffer_add_hex(&out, digest, sizeof(digest));
    otp_name_of(name, OTP_NAME_DECOY, flow->settings->prefix, otp_buffer_span(&out));
    otp_name_events(stream, flow->settings->prefix, otp_buffer_span(&out));

    return true;
}


bool otp_attempt_ask(otp_flow_t *flow)
{
    otp_attempt_t *attempt = &flow->attempt;

    otp_name_of(&attempt->name, OTP_NAME_ACCOUNT, flow->settings->prefix, otp_span_of(flow->uid));
    if (!otp_attempt_decoy_name(flow, &attempt->decoy_name, &attempt->stream)) {
        return false;
    }

    otp_command_add(otp_flow_command(flow, "GET"), otp_name_span(&attempt->name));
    otp_command_add(otp_flow_command(flow, "GET"), otp_name_span(&attempt->decoy_name));

    return true;
}


bool otp_attempt_keep(otp_flow_t *flow, size_t i)
{
    otp_span_t stored = otp_flow_reply_text(flow, i);

    if (stored.len > sizeof(flow->account_text)) {
        return false;
    }

    if (stored.len != 0) {
        memcpy(flow->account_text, stored.data, stored.len);
    }
    flow->account_len = stored.len;

    return true;
}


bool otp_attempt_keep_decoy(otp_flow_t *flow, size_t i)
{
    otp_span_t found = otp_flow_reply_text(flow, i);

    if (found.len > sizeof(flow->attempt.invented)) {
        return false;
    }

    if (found.len != 0) {
        memcpy(flow->attempt.invented, found.data, found.len);
    }
    flow->attempt.invented_len = found.len;

    return true;
}


/* Takes over the record that is to be swapped against the next one. */
OTP_MUST_USE static bool otp_attempt_take(otp_attempt_t *attempt, otp_span_t stored)
{
    if (stored.len > sizeof(attempt->stored)) {
        return false;
    }

    if (stored.len != 0) {
        memcpy(attempt->stored, stored.data, stored.len);
    }
    attempt->stored_len = stored.len;

    return true;
}


/* Invents an account, once: it is written and read as a real one would be. */
OTP_MUST_USE static bool otp_attempt_invent(otp_flow_t *flow, otp_span_t *record)
{
    otp_attempt_t *attempt = &flow->attempt;
    size_t         len;

    if (otp_account_decoy(flow->settings->ring, otp_span_of(flow->uid), &attempt->account) != OTP_OK
        || otp_account_write(flow->settings->ring, otp_name_span(&attempt->name), &attempt->account, attempt->record,
                             sizeof(attempt->record), &len) != OTP_OK)
    {
        return false;
    }

    *record = (otp_span_t) { attempt->record, len };

    return true;
}


/* Nobody known, or nobody of whom anything may be told: the same work is done about an invented account.  It lives
 * as long as a form can be repeated, under a name of the person's, so that forms that are sent at once or again
 * take the same time too. */
OTP_MUST_USE static bool otp_attempt_decoy(otp_flow_t *flow, otp_span_t stored)
{
    otp_attempt_t *attempt = &flow->attempt;
    otp_span_t     record = stored;

    attempt->decoy = true;
    if (!otp_attempt_decoy_name(flow, &attempt->name, &attempt->stream) || !otp_attempt_take(attempt, stored)
        || (stored.len == 0 && !otp_attempt_invent(flow, &record))
        || otp_account_read(flow->settings->ring, otp_name_span(&attempt->name), record, &attempt->account) != OTP_OK)
    {
        return false;
    }

    /* It stands for accounts that are locked, too, and does not become one itself. */
    memset(&attempt->account.unknown, 0, sizeof(attempt->account.unknown));
    memset(&attempt->account.known, 0, sizeof(attempt->account.known));
    memset(&attempt->account.unproven, 0, sizeof(attempt->account.unproven));

    return true;
}


/* Whether the account may bring about anything but a refusal.  What cannot is not counted: it is no guess, and the
 * count would keep the owner out. */
OTP_MUST_USE static bool otp_attempt_open(const otp_flow_t *flow)
{
    const otp_submitted_t *submitted = &flow->attempt.submitted;
    const otp_account_t   *account = &flow->attempt.account;
    otp_guesser_t          guesser;

    if (submitted->kind == OTP_SUBMIT_EMERGENCY) {
        /* It needs no key, and who types it has proven the password. */
        return true;
    }

    guesser = otp_submitted_guesser(submitted, account);
    switch (otp_account_state(account, &flow->settings->limits, guesser, flow->now_s)) {
    case OTP_STATE_NO_KEY:
        return false;
    case OTP_STATE_LOCKED:
        return submitted->signed_in || submitted->pending_id.len != 0;
    case OTP_STATE_FIRST_USE:
    case OTP_STATE_PIN_PAGE:
    case OTP_STATE_READY:
    case OTP_STATE_NEXT_CODE:
        /* Until a key has a PIN, only who may take it into use can be right. */
        return submitted->kind != OTP_SUBMIT_PASSCODE || submitted->first_use || otp_account_has_pin(account);
    }

    return false;
}


OTP_MUST_USE static bool otp_attempt_read(otp_flow_t *flow, otp_span_t stored)
{
    otp_attempt_t *attempt = &flow->attempt;
    otp_span_t     invented = { attempt->invented, attempt->invented_len };

    if (attempt->decoy) {
        return otp_attempt_decoy(flow, stored);
    }

    if (stored.len == 0 || flow->person_refused) {
        return otp_attempt_decoy(flow, invented);
    }

    return otp_attempt_take(attempt, stored)
           && otp_account_read(flow->settings->ring, otp_name_span(&attempt->name),
                               (otp_span_t) { attempt->stored, attempt->stored_len }, &attempt->account) == OTP_OK
           && (otp_attempt_open(flow) || otp_attempt_decoy(flow, invented));
}


static otp_effect_t otp_attempt_swapped(otp_flow_t *flow)
{
    otp_span_t     stored;
    otp_attempt_t *attempt = &flow->attempt;
    otp_swapped_t  swapped = otp_swap_result(flow->reply == NULL ? NULL : flow->reply[0], &stored);

    if (swapped == OTP_SWAPPED) {
        if (!otp_attempt_spend(flow)) {
            return otp_answer_unavailable(flow);
        }
        return attempt->decision.emergency_ended ? otp_emergency_end(flow, attempt->done) : attempt->done(flow);
    }

    /* A lost try leaves no line. */
    otp_flow_event_forget(flow);
    if (swapped == OTP_SWAP_FAILED || attempt->tries++ == OTP_SWAP_TRIES || !otp_attempt_read(flow, stored)) {
        return otp_answer_unavailable(flow);
    }

    return otp_attempt_decide(flow);
}


/* Nothing to store: the event alone. */
static otp_effect_t otp_attempt_told(otp_flow_t *flow)
{
    return otp_flow_replies_good(flow) ? flow->attempt.done(flow) : otp_answer_unavailable(flow);
}


OTP_MUST_USE static bool otp_attempt_swap(otp_flow_t *flow, otp_span_t event)
{
    otp_attempt_t *attempt = &flow->attempt;
    otp_name_t    *name = &attempt->name;
    otp_swap_t     swap = { 0 };

    if (attempt->decoy) {
        swap.ttl_ms = otp_flow_number(attempt->ttl, (flow->now_s + OTP_REPEAT_S) * 1000 - flow->now_ms);
    } else {
        swap.history = otp_name_span(&attempt->history);
        if (!otp_attempt_mail(flow, &swap.mail)) {
            return false;
        }
        swap.outbox = swap.mail.len != 0 ? otp_name_span(&attempt->outbox) : OTP_SPAN_NONE;
    }

    if (otp_account_write(flow->settings->ring, otp_name_span(name), &attempt->next, attempt->record,
                          sizeof(attempt->record), &attempt->record_len) != OTP_OK)
    {
        return false;
    }

    swap.key = otp_name_span(name);
    swap.stream = otp_name_span(&attempt->stream);
    swap.expected = (otp_span_t) { attempt->stored, attempt->stored_len };
    swap.next = (otp_span_t) { attempt->record, attempt->record_len };
    swap.event = event;
    swap.events_kept = flow->settings->events_kept;
    otp_swap_command(&swap, otp_flow_command(flow, ""));

    return true;
}


/* The record as it is now, in which a code that the gateway has seen accepted since it was first read is spent. */
static otp_effect_t otp_attempt_read_again(otp_flow_t *flow)
{
    flow->attempt.sure = true;
    if (!otp_flow_replies_good(flow) || !otp_attempt_read(flow, otp_flow_reply_text(flow, 0))) {
        return otp_answer_unavailable(flow);
    }

    return otp_attempt_decide(flow);
}


static otp_effect_t otp_attempt_decide(otp_flow_t *flow)
{
    otp_attempt_t *attempt = &flow->attempt;
    otp_span_t     event;

    attempt->submitted.now_s = flow->now_s;
    otp_attempt_recall(flow);
    if (otp_decide(flow->settings->ring, &flow->settings->limits, &attempt->account, &attempt->submitted,
                   &attempt->next, &attempt->decision) != OTP_OK)
    {
        return otp_answer_unavailable(flow);
    }

    if (attempt->decision.repeated) {
        return otp_once_await(flow);
    }

    if (otp_attempt_unsure(flow)) {
        otp_command_add(otp_flow_command(flow, "GET"), otp_name_span(&attempt->name));
        return otp_flow_commands(flow, otp_attempt_read_again);
    }

    if (attempt->decoy && attempt->decision.verdict != OTP_VERDICT_DENIED) {
        /* One in a million guesses the invented key too: it opens nothing. */
        attempt->decision.verdict = OTP_VERDICT_DENIED;
    }

    flow->once_kept = true;
    event = otp_attempt_event(flow);
    if (event.len == 0) {
        return otp_answer_unavailable(flow);
    }

    if (!attempt->decision.changed) {
        otp_flow_event_command(flow, otp_span_of(flow->uid), event);
        /* The lock is in the history already: going on against it must not push everything else out. */
        if (!attempt->decoy && attempt->decision.verdict != OTP_VERDICT_THROTTLED) {
            otp_flow_history_command(flow, otp_span_of(flow->uid), event);
        }
        return otp_flow_commands(flow, otp_attempt_told);
    }

    return otp_attempt_swap(flow, event) ? otp_flow_commands(flow, otp_attempt_swapped) : otp_answer_unavailable(flow);
}


otp_effect_t otp_attempt_begin(otp_flow_t *flow, otp_span_t stored, const char *event, otp_flow_stage_t done)
{
    otp_attempt_t   *attempt = &flow->attempt;
    otp_submitted_t *submitted = &attempt->submitted;
    otp_span_t       uid = otp_span_of(flow->uid), once = otp_name_span(&flow->once);

    otp_name_of(&attempt->name, OTP_NAME_ACCOUNT, flow->settings->prefix, uid);
    otp_name_events(&attempt->stream, flow->settings->prefix, uid);
    otp_name_of(&attempt->history, OTP_NAME_HISTORY, flow->settings->prefix, uid);
    otp_name_mail(&attempt->outbox, flow->settings->prefix, uid);
    attempt->event = event;
    attempt->done = done;

    memcpy(submitted->random_id, otp_flow_random(flow, sizeof(submitted->random_id)), sizeof(submitted->random_id));
    memcpy(submitted->random_salt, otp_flow_random(flow, OTP_SALT_LEN), OTP_SALT_LEN);
    otp_device_read(flow);
    submitted->known = flow->device.proven;
    submitted->address = flow->request->address;
    submitted->name = flow->person.name;
    submitted->email = flow->person.email;
    submitted->language = flow->settings->language[flow->language];
    submitted->nonce = (otp_span_t) { once.data + once.len - OTP_NONCE_LEN, OTP_NONCE_LEN };

    if (!otp_attempt_read(flow, stored)) {
        /* A record that cannot be believed is a fault, not an unknown person. */
        return otp_answer_unavailable(flow);
    }

    return otp_attempt_decide(flow);
}
