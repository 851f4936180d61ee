/*
 * What the cache of sessions is made of.  Nobody else includes this, but its tests.
 */
#ifndef OTP_SESSION_CACHE_PRIVATE_H
#define OTP_SESSION_CACHE_PRIVATE_H

#include <stdalign.h>

#include "core/store/otp_session_cache.h"

#define OTP_CACHE_NONE      0           /* no slot: the first one is 1 */
#define OTP_CACHE_FEWEST    16
#define OTP_CACHE_TEXT      187         /* bytes of texts in the first slot of a chain */
#define OTP_CACHE_MORE      (OTP_SESSION_CACHE_SLOT - 8)

typedef struct {
    uint32_t next;                      /* in the bucket; of a free slot: the next free one */
    uint32_t more;                      /* the slot that goes on with the texts */
} otp_cache_link_t;

/* The first slot of a session, and those that follow it.  What finding looks at comes first, in one cache line. */
typedef struct {
    otp_cache_link_t     link;
    uint32_t             newer, older;
    uint32_t             all;           /* cache->all when it was put: another number, and it is forgotten */
    uint16_t             text_len;
    uint8_t              level, method;
    otp_siphash_t        tag;           /* 0 while it is not known */
    int64_t              fresh_until_s;
    uint8_t              digest[OTP_DIGEST_LEN];
    int64_t              created, auth_time, otp_time, expires, idle_s;
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

/* What hint[i] says, if not NONE, is the first slot of a session whose tag's hint it is: who removes that session or
 * gives it another tag clears it. */
struct otp_session_cache_s {
    alignas(64) otp_cache_slot_t *slot; /* slot[0] is none */
    otp_cache_bucket_t           *bucket;
    uint32_t                     *hint; /* as many as buckets */
    uint64_t                      evictions;
    uint32_t                      slots, buckets, untouched;    /* slots from `untouched` on were never used */
    uint32_t                      free, newest, oldest, all, found;
    size_t                        used;
    uint8_t                       key[OTP_SIPHASH_KEY];
};

/* A free slot, or that of the session used longest ago. */
uint32_t otp_cache_take(otp_session_cache_t *cache);
/* Writes a session, its texts as otp_session_copy() makes them in `text`, into the slot `index` and as many others as
 * it takes. */
void otp_cache_fill(otp_session_cache_t *cache, uint32_t index, const uint8_t digest[OTP_DIGEST_LEN],
    const otp_session_t *session, const char *text);

#endif
