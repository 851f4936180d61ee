#include "core/decide/otp_hash_queue.h"

#include <string.h>

#define OTP_HASH_SMOOTHING  8       /* a new measurement counts for an eighth, and for no more than */
#define OTP_HASH_GAP_MS     1000


OTP_MUST_USE static bool otp_hash_same(otp_span_t id, const char *text, size_t len)
{
    if (id.len > OTP_HASH_ID) {
        id.len = OTP_HASH_ID;
    }

    return id.len != 0 && otp_span_equal(id, (otp_span_t) { text, len });
}


static size_t otp_hash_copy(otp_span_t id, char text[OTP_HASH_ID])
{
    size_t len = id.len > OTP_HASH_ID ? OTP_HASH_ID : id.len;

    if (len != 0) {
        memcpy(text, id.data, len);
    }

    return len;
}


/* Hashes that can be computed while somebody waits half of `wait_ms`: the other half is for being wrong about it. */
OTP_MUST_USE static size_t otp_hash_room(const otp_hash_queue_t *queue, size_t places, int64_t wait_ms)
{
    int64_t room = queue->pace_us == 0 ? OTP_HASH_PLACES : wait_ms * 500 / queue->pace_us;

    if (places > OTP_HASH_PLACES) {
        places = OTP_HASH_PLACES;
    }
    if (room < OTP_HASH_ROOM_MIN) {
        room = OTP_HASH_ROOM_MIN;
    }

    return (size_t) room < places ? (size_t) room : places;
}


/* The least share is one place. */
OTP_MUST_USE static size_t otp_hash_share(size_t share)
{
    return share == 0 ? 1 : share;
}


typedef struct {
    size_t account, address, strangers, free;
} otp_hash_held_t;


OTP_MUST_USE static otp_hash_held_t otp_hash_count(const otp_hash_queue_t *queue, const otp_hash_asker_t *asker)
{
    otp_hash_held_t held = { .free = OTP_HASH_PLACES };

    for (size_t i = OTP_HASH_PLACES; i-- > 0; ) {
        const otp_hash_place_t *place = &queue->place[i];

        if (!place->taken) {
            held.free = i;
            continue;
        }
        held.account += otp_hash_same(asker->account, place->account, place->account_len);
        held.address += !place->known && otp_hash_same(asker->address, place->address, place->address_len);
        held.strangers += !place->known;
    }

    return held;
}


OTP_MUST_USE static otp_hash_verdict_t otp_hash_judge(const otp_hash_queue_t *queue, size_t room,
    const otp_hash_asker_t *asker, const otp_hash_held_t *held)
{
    if (held->account >= OTP_HASH_ACCOUNT) {
        return OTP_HASH_ACCOUNT_FULL;
    }

    if (!asker->known && held->address >= otp_hash_share(room / 2)) {
        return OTP_HASH_ADDRESS_FULL;
    }

    if (queue->taken >= room || (!asker->known && held->strangers >= otp_hash_share(room - room / 4))) {
        return OTP_HASH_FULL;
    }

    return held->free == OTP_HASH_PLACES ? OTP_HASH_FULL : OTP_HASH_ADMITTED;
}


otp_hash_verdict_t otp_hash_queue_enter(otp_hash_queue_t *queue, size_t places, int64_t wait_ms,
    const otp_hash_asker_t *asker, int64_t now_ms, size_t *place)
{
    otp_hash_held_t    held = otp_hash_count(queue, asker);
    otp_hash_verdict_t verdict = otp_hash_judge(queue, otp_hash_room(queue, places, wait_ms), asker, &held);
    otp_hash_place_t  *free = &queue->place[held.free % OTP_HASH_PLACES];

    if (verdict != OTP_HASH_ADMITTED) {
        return verdict;
    }

    free->account_len = otp_hash_copy(asker->account, free->account);
    free->address_len = otp_hash_copy(asker->address, free->address);
    free->known = asker->known;
    free->taken = true;
    if (queue->taken++ == 0) {
        queue->since_ms = now_ms;
    }
    *place = held.free;

    return OTP_HASH_ADMITTED;
}


/* Of the time between two hashes only while others are there: who is alone does not show what the threads can do. */
static void otp_hash_measure(otp_hash_queue_t *queue, int64_t now_ms)
{
    int64_t gap_ms = now_ms > queue->since_ms ? now_ms - queue->since_ms : 0;
    int64_t gap_us = (gap_ms < OTP_HASH_GAP_MS ? gap_ms : OTP_HASH_GAP_MS) * 1000;

    if (queue->taken > 1) {
        queue->pace_us = queue->pace_us == 0 ? gap_us
                         : queue->pace_us + (gap_us - queue->pace_us) / OTP_HASH_SMOOTHING;
    }
    queue->since_ms = now_ms;
}


void otp_hash_queue_leave(otp_hash_queue_t *queue, size_t place, bool computed, int64_t now_ms)
{
    if (computed) {
        otp_hash_measure(queue, now_ms);
    }

    queue->place[place].taken = false;
    queue->taken--;
}


int64_t otp_hash_queue_wait_ms(const otp_hash_queue_t *queue)
{
    return (int64_t) queue->taken * queue->pace_us / 1000;
}
