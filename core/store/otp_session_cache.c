#include <string.h>

#include "core/base/otp_encode.h"
#include "core/store/otp_session_cache_private.h"

otp_session_cache_t *otp_session_cache_init(void *memory, size_t size, const uint8_t key[OTP_SIPHASH_KEY])
{
    otp_session_cache_t *cache = memory;
    size_t               index = 2 * (sizeof(otp_cache_bucket_t) + sizeof(uint32_t));   /* of a slot, at most */
    size_t               each = sizeof(otp_cache_slot_t) + index, slots, buckets = 1;

    if (size < sizeof(*cache) + sizeof(otp_cache_slot_t) + OTP_CACHE_FEWEST * each) {
        return NULL;
    }
    slots = (size - sizeof(*cache) - sizeof(otp_cache_slot_t)) / each;
    slots = slots < UINT32_MAX / 2 ? slots : UINT32_MAX / 2;
    while (buckets < slots) {
        buckets *= 2;
    }
    cache->slots = (uint32_t) slots;
    cache->buckets = (uint32_t) buckets;
    cache->slot = (otp_cache_slot_t *) (cache + 1);
    cache->bucket = (otp_cache_bucket_t *) (cache->slot + slots + 1);
    cache->hint = (uint32_t *) (cache->bucket + buckets);
    memcpy(cache->key, key, OTP_SIPHASH_KEY);
    cache->untouched = 1;
    cache->all = 1;
    return cache;
}


/* A digest is as good as random: any of its bits will do. */
static otp_cache_bucket_t *otp_cache_bucket(const otp_session_cache_t *cache, const uint8_t *digest)
{
    uint32_t bits;

    memcpy(&bits, digest, sizeof(bits));
    return &cache->bucket[bits & (cache->buckets - 1)];
}


/* Whole words at a time, and all of them: four of these cost less than finding out where the digests differ. */
static bool otp_cache_same(const uint8_t *a, const uint8_t *b)
{
    uint64_t one[OTP_DIGEST_LEN / sizeof(uint64_t)], other[OTP_DIGEST_LEN / sizeof(uint64_t)], difference = 0;

    memcpy(one, a, OTP_DIGEST_LEN);
    memcpy(other, b, OTP_DIGEST_LEN);
    for (size_t i = 0; i < OTP_DIGEST_LEN / sizeof(uint64_t); i++) {
        difference |= one[i] ^ other[i];
    }
    return difference == 0;
}


/* --- recency ------------------------------------------------------------------------------------------------ */

static void otp_cache_unlink(otp_session_cache_t *cache, const otp_cache_first_t *slot)
{
    *(slot->newer ? &cache->slot[slot->newer].first.older : &cache->newest) = slot->older;
    *(slot->older ? &cache->slot[slot->older].first.newer : &cache->oldest) = slot->newer;
}


static void otp_cache_link(otp_session_cache_t *cache, uint32_t index)
{
    otp_cache_first_t *slot = &cache->slot[index].first;

    slot->newer = OTP_CACHE_NONE;
    slot->older = cache->newest;
    *(cache->newest ? &cache->slot[cache->newest].first.newer : &cache->oldest) = index;
    cache->newest = index;
}


/* --- hints ----------------------------------------------------------------------------------------------------- */

static uint32_t *otp_cache_hint(const otp_session_cache_t *cache, otp_siphash_t tag)
{
    return &cache->hint[tag.low & (cache->buckets - 1)];
}


/* No hint may stay behind: the slot will be another session's, or hold texts. */
static void otp_cache_unhint(otp_session_cache_t *cache, uint32_t index)
{
    uint32_t *hint = otp_cache_hint(cache, cache->slot[index].first.tag);

    if (*hint == index) {
        *hint = OTP_CACHE_NONE;
    }
}


/* --- slots ---------------------------------------------------------------------------------------------------- */

static void otp_cache_free(otp_session_cache_t *cache, uint32_t index)
{
    while (index != OTP_CACHE_NONE) {
        uint32_t more = cache->slot[index].link.more;

        cache->slot[index].link.next = cache->free;
        cache->free = index;
        index = more;
    }
}


/* Where the number of this digest's slot stands: in its bucket, or in the slot before it. */
static uint32_t *otp_cache_place(otp_session_cache_t *cache, const uint8_t *digest)
{
    uint32_t *place = &otp_cache_bucket(cache, digest)->head;

    while (*place != OTP_CACHE_NONE && !otp_cache_same(cache->slot[*place].first.digest, digest)) {
        place = &cache->slot[*place].link.next;
    }
    return place;
}


static void otp_cache_remove(otp_session_cache_t *cache, uint32_t *place)
{
    uint32_t          index = *place;
    otp_cache_first_t *slot = &cache->slot[index].first;

    *place = slot->link.next;
    otp_cache_unhint(cache, index);
    otp_cache_unlink(cache, slot);
    cache->used -= slot->all == cache->all;
    otp_cache_free(cache, index);
}


static void otp_cache_evict(otp_session_cache_t *cache)
{
    otp_cache_first_t *oldest = &cache->slot[cache->oldest].first;

    cache->evictions += oldest->all == cache->all;
    otp_cache_remove(cache, otp_cache_place(cache, oldest->digest));
}


uint32_t otp_cache_take(otp_session_cache_t *cache)
{
    uint32_t index;

    if (cache->free == OTP_CACHE_NONE && cache->untouched <= cache->slots) {
        return cache->untouched++;
    }
    if (cache->free == OTP_CACHE_NONE) {
        otp_cache_evict(cache);
    }
    index = cache->free;
    cache->free = cache->slot[index].link.next;
    return index;
}


/* --- what the caller does -------------------------------------------------------------------------------------- */

/* The first slot `index`, if its session may be used. */
static size_t otp_cache_use(otp_session_cache_t *cache, uint32_t index, int64_t now_s)
{
    otp_cache_first_t *slot = &cache->slot[index].first;

    /* Later than any session is put for: somebody has set the clock back. */
    if (slot->all != cache->all || now_s >= slot->fresh_until_s || slot->fresh_until_s - now_s > OTP_SEEN_EVERY_S) {
        otp_cache_remove(cache, otp_cache_place(cache, slot->digest));
        return 0;
    }
    if (index != cache->newest) {
        otp_cache_unlink(cache, slot);
        otp_cache_link(cache, index);
    }
    cache->found = index;
    return slot->text_len;
}


size_t otp_session_cache_find(otp_session_cache_t *cache, const uint8_t digest[OTP_DIGEST_LEN], int64_t now_s)
{
    uint32_t index = *otp_cache_place(cache, digest);

    return index != OTP_CACHE_NONE ? otp_cache_use(cache, index, now_s) : 0;
}


otp_siphash_t otp_session_cache_tag(const otp_session_cache_t *cache, otp_span_t cookie)
{
    return otp_siphash(cache->key, cookie);
}


size_t otp_session_cache_find_tag(otp_session_cache_t *cache, otp_siphash_t tag, int64_t now_s)
{
    uint32_t      index = *otp_cache_hint(cache, tag);
    otp_siphash_t known = cache->slot[index].first.tag;

    /* Other cookies have the same hint. */
    if (index == OTP_CACHE_NONE || ((known.low ^ tag.low) | (known.high ^ tag.high)) != 0) {
        return 0;
    }
    return otp_cache_use(cache, index, now_s);
}


void otp_session_cache_point(otp_session_cache_t *cache, const uint8_t digest[OTP_DIGEST_LEN], otp_siphash_t tag)
{
    uint32_t index = *otp_cache_place(cache, digest);

    if (index == OTP_CACHE_NONE) {
        return;
    }
    otp_cache_unhint(cache, index);
    cache->slot[index].first.tag = tag;
    *otp_cache_hint(cache, tag) = index;
}


otp_session_cache_mark_t otp_session_cache_mark(const otp_session_cache_t *cache, const uint8_t digest[OTP_DIGEST_LEN])
{
    return (otp_session_cache_mark_t) { cache->all, otp_cache_bucket(cache, digest)->forgotten };
}


/* All slots a session could ever need are fewer than the fewest slots a cache has: eviction never meets the session
 * that is being written, which is linked last. */
_Static_assert(OTP_SESSION_MAX + OTP_SESSION_TEXTS < OTP_CACHE_FEWEST * OTP_CACHE_TEXT, "room for one session");

bool otp_session_cache_put(otp_session_cache_t *cache, const uint8_t digest[OTP_DIGEST_LEN],
    otp_session_cache_mark_t mark, const otp_session_t *session, int64_t fresh_until_s)
{
    otp_cache_bucket_t *bucket = otp_cache_bucket(cache, digest);
    uint32_t           *place = otp_cache_place(cache, digest), index;
    char                text[OTP_SESSION_MAX + OTP_SESSION_TEXTS];
    otp_session_t       copy;
    otp_cache_first_t  *slot;

    if (*place != OTP_CACHE_NONE) {
        otp_cache_remove(cache, place);
    }
    if (mark.all != cache->all || mark.bucket != bucket->forgotten || otp_session_text_size(session) > sizeof(text)) {
        return false;
    }
    otp_session_copy(session, text, &copy);
    index = otp_cache_take(cache);
    otp_cache_fill(cache, index, digest, session, text);
    slot = &cache->slot[index].first;
    slot->fresh_until_s = fresh_until_s;
    slot->all = cache->all;
    slot->link.next = bucket->head;
    bucket->head = index;
    otp_cache_link(cache, index);
    cache->used++;
    return true;
}


void otp_session_cache_forget(otp_session_cache_t *cache, const uint8_t digest[OTP_DIGEST_LEN])
{
    uint32_t *place = otp_cache_place(cache, digest);

    otp_cache_bucket(cache, digest)->forgotten++;
    if (*place != OTP_CACHE_NONE) {
        otp_cache_remove(cache, place);
    }
}


void otp_session_cache_forget_name(otp_session_cache_t *cache, otp_span_t prefix, otp_span_t name)
{
    otp_name_t sessions;
    otp_span_t hex = name;
    uint8_t    digest[OTP_DIGEST_LEN];
    size_t     len;

    otp_name_sessions(&sessions, prefix);
    if (!otp_span_starts(name, otp_name_span(&sessions)) || name.len != sessions.len + 2 * OTP_DIGEST_LEN + 2) {
        return;
    }
    hex.data += sessions.len + 1;
    hex.len = 2 * OTP_DIGEST_LEN;
    if (hex.data[-1] == '{' && otp_hex_decode(hex, digest, sizeof(digest), &len) == OTP_OK) {
        otp_session_cache_forget(cache, digest);
    }
}


void otp_session_cache_forget_all(otp_session_cache_t *cache)
{
    cache->all++;
    cache->used = 0;
}


void otp_session_cache_figures(const otp_session_cache_t *cache, otp_session_cache_figures_t *figures)
{
    *figures = (otp_session_cache_figures_t) {
        .slots = cache->slots, .used = cache->used, .evictions = cache->evictions
    };
}
