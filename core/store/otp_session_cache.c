#include "core/store/otp_session_cache.h"

#include <stdalign.h>
#include <string.h>

#include "core/base/otp_encode.h"

#define OTP_CACHE_NONE      0           /* no slot: the first one is 1 */
#define OTP_CACHE_FEWEST    16
#define OTP_CACHE_TEXT      203         /* bytes of texts in the first slot of a chain */
#define OTP_CACHE_MORE      (OTP_SESSION_CACHE_SLOT - 8)

typedef struct {
    uint32_t next;                      /* in the bucket; of a free slot: the next free one */
    uint32_t more;                      /* the slot that goes on with the texts */
} otp_cache_link_t;

/* The first slot of a session, and those that follow it. */
typedef struct {
    otp_cache_link_t     link;
    uint32_t             newer, older;
    uint32_t             all;           /* cache->all when it was put: another number, and it is forgotten */
    uint16_t             text_len;
    uint8_t              level, method;
    uint8_t              digest[OTP_DIGEST_LEN];
    int64_t              fresh_until_s, created, auth_time, otp_time, expires, idle_s;
    uint16_t             len[OTP_SESSION_TEXTS];
    bool                 password_proven;
    char                 text[OTP_CACHE_TEXT];
} otp_cache_first_t;

typedef struct {
    otp_cache_link_t     link;
    char                 text[OTP_CACHE_MORE];
} otp_cache_more_t;

typedef union {
    alignas(64) otp_cache_link_t link;
    otp_cache_first_t            first;
    otp_cache_more_t             more;
} otp_cache_slot_t;

_Static_assert(sizeof(otp_cache_slot_t) == OTP_SESSION_CACHE_SLOT, "a slot");

typedef struct {
    uint32_t head, forgotten;           /* forgotten: how often */
} otp_cache_bucket_t;

struct otp_session_cache_s {
    alignas(64) otp_cache_slot_t *slot; /* slot[0] is none */
    otp_cache_bucket_t           *bucket;
    uint64_t                      evictions;
    uint32_t                      slots, buckets, untouched;    /* slots from `untouched` on were never used */
    uint32_t                      free, newest, oldest, all, found;
    size_t                        used;
};

otp_session_cache_t *otp_session_cache_init(void *memory, size_t size)
{
    otp_session_cache_t *cache = memory;
    size_t               each = sizeof(otp_cache_slot_t) + 2 * sizeof(otp_cache_bucket_t), slots, buckets = 1;

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


static uint32_t otp_cache_take(otp_session_cache_t *cache)
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


/* --- texts ---------------------------------------------------------------------------------------------------- */

static void otp_cache_write(otp_session_cache_t *cache, uint32_t index, const char *text, size_t len)
{
    size_t    part = len < OTP_CACHE_TEXT ? len : OTP_CACHE_TEXT;
    uint32_t *more = &cache->slot[index].link.more;

    memcpy(cache->slot[index].first.text, text, part);
    *more = OTP_CACHE_NONE;
    for (size_t done = part; done < len; done += part) {
        uint32_t          next = otp_cache_take(cache);
        otp_cache_more_t *slot = &cache->slot[next].more;

        part = len - done < OTP_CACHE_MORE ? len - done : OTP_CACHE_MORE;
        memcpy(slot->text, text + done, part);
        slot->link.more = OTP_CACHE_NONE;
        *more = next;
        more = &slot->link.more;
    }
}


static void otp_cache_copy(const otp_session_cache_t *cache, const otp_cache_first_t *slot, char *text)
{
    size_t   len = slot->text_len, part = len < OTP_CACHE_TEXT ? len : OTP_CACHE_TEXT;
    uint32_t more = slot->link.more;

    memcpy(text, slot->text, part);
    for (size_t done = part; done < len; done += part) {
        const otp_cache_more_t *next = &cache->slot[more].more;

        part = len - done < OTP_CACHE_MORE ? len - done : OTP_CACHE_MORE;
        memcpy(text + done, next->text, part);
        more = next->link.more;
    }
}


/* --- what the caller does -------------------------------------------------------------------------------------- */

size_t otp_session_cache_find(otp_session_cache_t *cache, const uint8_t digest[OTP_DIGEST_LEN], int64_t now_s)
{
    uint32_t         *place = otp_cache_place(cache, digest);
    uint32_t          index = *place;
    otp_cache_first_t *slot = &cache->slot[index].first;

    if (index == OTP_CACHE_NONE) {
        return 0;
    }
    /* Later than any session is put for: somebody has set the clock back. */
    if (slot->all != cache->all || now_s >= slot->fresh_until_s || slot->fresh_until_s - now_s > OTP_SEEN_EVERY_S) {
        otp_cache_remove(cache, place);
        return 0;
    }
    if (index != cache->newest) {
        otp_cache_unlink(cache, slot);
        otp_cache_link(cache, index);
    }
    cache->found = index;
    return slot->text_len;
}


void otp_session_cache_read(const otp_session_cache_t *cache, char *text, otp_session_t *session)
{
    const otp_cache_first_t *slot = &cache->slot[cache->found].first;
    otp_span_t              span[OTP_SESSION_TEXTS];

    otp_cache_copy(cache, slot, text);
    for (size_t i = 0; i < OTP_SESSION_TEXTS; i++) {
        span[i] = (otp_span_t) { text, slot->len[i] };
        text += slot->len[i] + 1;
    }
    *session = (otp_session_t) {
        .level = (otp_level_t) slot->level, .method = (otp_auth_t) slot->method,
        .password_proven = slot->password_proven, .created = slot->created, .auth_time = slot->auth_time,
        .otp_time = slot->otp_time, .expires = slot->expires, .idle_s = slot->idle_s
    };
    otp_session_set_texts(session, span);
}


otp_session_cache_mark_t otp_session_cache_mark(const otp_session_cache_t *cache, const uint8_t digest[OTP_DIGEST_LEN])
{
    return (otp_session_cache_mark_t) { cache->all, otp_cache_bucket(cache, digest)->forgotten };
}


static void otp_cache_fill(otp_cache_first_t *slot, const uint8_t *digest, const otp_session_t *session)
{
    otp_span_t span[OTP_SESSION_TEXTS];

    memcpy(slot->digest, digest, OTP_DIGEST_LEN);
    slot->level = (uint8_t) session->level;
    slot->method = (uint8_t) session->method;
    slot->password_proven = session->password_proven;
    slot->created = session->created;
    slot->auth_time = session->auth_time;
    slot->otp_time = session->otp_time;
    slot->expires = session->expires;
    slot->idle_s = session->idle_s;
    otp_session_texts(session, span);
    for (size_t i = 0; i < OTP_SESSION_TEXTS; i++) {
        slot->len[i] = (uint16_t) span[i].len;
    }
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
    slot = &cache->slot[index].first;
    otp_cache_fill(slot, digest, session);
    slot->text_len = (uint16_t) otp_session_text_size(session);
    slot->fresh_until_s = fresh_until_s;
    slot->all = cache->all;
    otp_cache_write(cache, index, text, slot->text_len);
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
