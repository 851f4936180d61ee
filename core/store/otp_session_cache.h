/*
 * Sessions kept in memory: a hash table of fixed slots in one block that the caller owns, the least recently used
 * going first.  Knows no clock, no Redis and allocates nothing; finding, putting and forgetting are O(1).
 *
 * A session is known by its cookie's SHA-256, as in Redis.  Once it was found so, its cookie's tag (SipHash under a key
 * that is this cache's alone) leads to it, too, through a table of hints and for a tenth of the cost.  Sessions whose
 * tags share a hint displace each other there, and are found by their SHA-256.
 *
 * What keeps it true is the caller's: it forgets what Redis says has changed, and forgets all when Redis cannot be
 * heard.  An entry is put with the mark taken before its record was asked for; what was forgotten meanwhile is refused.
 */
#ifndef OTP_SESSION_CACHE_H
#define OTP_SESSION_CACHE_H

#include "core/crypto/otp_siphash.h"
#include "core/model/otp_session.h"

#define OTP_SESSION_CACHE_SLOT  320     /* bytes; a session takes one, or a chain of them when its texts are long */

typedef struct otp_session_cache_s otp_session_cache_t;

typedef struct {
    uint32_t all, bucket;
} otp_session_cache_mark_t;

typedef struct {
    size_t   slots, used;               /* used: those of forgotten sessions are not counted */
    uint64_t evictions;                 /* sessions that had to go for another one */
} otp_session_cache_figures_t;

/* Makes a cache in `memory` (zeroed, `size` bytes, aligned to 64), which must stay until it is not used any more; pages
 * are touched as they fill.  `key`: random bytes that nobody else has.  NULL: there is not room for 16 slots. */
OTP_MUST_USE otp_session_cache_t *otp_session_cache_init(void *memory, size_t size,
    const uint8_t key[OTP_SIPHASH_KEY]);

/* What this cache may know a cookie by. */
otp_siphash_t otp_session_cache_tag(const otp_session_cache_t *cache, otp_span_t cookie);

/* Finds the session of a cookie's SHA-256 that may be used at `now_s`, and makes it the most recently used one.
 * Returns the bytes that otp_session_cache_read() needs for its texts; 0: there is none. */
OTP_MUST_USE size_t otp_session_cache_find(otp_session_cache_t *cache, const uint8_t digest[OTP_DIGEST_LEN],
    int64_t now_s);
/* The same, of a cookie's tag; 0 also when the tag is not known, or not any more. */
OTP_MUST_USE size_t otp_session_cache_find_tag(otp_session_cache_t *cache, otp_siphash_t tag, int64_t now_s);
/* From now on the session of this digest is found by `tag`, too, and by no other tag: both must be of the same cookie.
 * Without a session of this digest nothing happens. */
void otp_session_cache_point(otp_session_cache_t *cache, const uint8_t digest[OTP_DIGEST_LEN], otp_siphash_t tag);
/* Copies the session that was found last, nothing having been put or forgotten since: its spans point into `text`, each
 * followed by a NUL. */
void otp_session_cache_read(const otp_session_cache_t *cache, char *text, otp_session_t *session);

/* To be taken before the record is asked for. */
otp_session_cache_mark_t otp_session_cache_mark(const otp_session_cache_t *cache, const uint8_t digest[OTP_DIGEST_LEN]);
/* Keeps a copy of `session`, to be used until `fresh_until_s` (unix seconds), instead of an older one.  Returns false,
 * with nothing kept of this digest, when something of its bucket was forgotten since `mark`. */
bool otp_session_cache_put(otp_session_cache_t *cache, const uint8_t digest[OTP_DIGEST_LEN],
    otp_session_cache_mark_t mark, const otp_session_t *session, int64_t fresh_until_s);

void otp_session_cache_forget(otp_session_cache_t *cache, const uint8_t digest[OTP_DIGEST_LEN]);
/* What Redis says has changed: PREFIX sess:{H}.  Another name is another's: nothing is forgotten. */
void otp_session_cache_forget_name(otp_session_cache_t *cache, otp_span_t prefix, otp_span_t name);
void otp_session_cache_forget_all(otp_session_cache_t *cache);

void otp_session_cache_figures(const otp_session_cache_t *cache, otp_session_cache_figures_t *figures);

#endif
