#include "core/decide/otp_spent.h"

#include <stdatomic.h>
#include <string.h>

#include "core/base/otp_buffer.h"

#define OTP_SPENT_TEXT  (OTP_SERIAL_MAX + 1 + OTP_SEALED_MAX)

/* What is shared must be one instruction for every process that maps it. */
_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2 && ATOMIC_INT_LOCK_FREE == 2, "64-bit atomics without a lock");

/* An entry is one word, so that key and step are never seen apart: tag << 32 | step, 0 while it is free.  The stamps,
 * unix seconds, only say which entry goes first. */
typedef struct {
    _Atomic uint64_t word[OTP_SPENT_WAYS];
    _Atomic uint32_t stamp[OTP_SPENT_WAYS];
} otp_spent_bucket_t;

_Static_assert(sizeof(otp_spent_bucket_t) == OTP_SPENT_WAYS * OTP_SPENT_ENTRY, "as the header says");

struct otp_spent_s {
    uint8_t            random[OTP_SIPHASH_KEY];
    uint64_t           buckets;
    otp_spent_bucket_t bucket[];
};

typedef struct {
    size_t   bucket;
    uint64_t tag;       /* where it stands in the word */
} otp_spent_place_t;


size_t otp_spent_size(size_t keys)
{
    size_t buckets = keys / OTP_SPENT_WAYS + (keys % OTP_SPENT_WAYS != 0);

    return sizeof(otp_spent_t) + buckets * sizeof(otp_spent_bucket_t);
}


otp_spent_t *otp_spent_init(void *memory, size_t size, const uint8_t random[OTP_SIPHASH_KEY])
{
    otp_spent_t *spent = memory;

    if (size < otp_spent_size(1)) {
        return NULL;
    }

    memset(memory, 0, size);
    memcpy(spent->random, random, sizeof(spent->random));
    spent->buckets = (size - sizeof(*spent)) / sizeof(otp_spent_bucket_t);

    return spent;
}


static otp_spent_place_t otp_spent_place(const otp_spent_t *spent, const otp_key_t *key)
{
    char          text[OTP_SPENT_TEXT];
    otp_buffer_t  name;
    otp_siphash_t hash;

    otp_buffer_init(&name, text, sizeof(text));
    otp_buffer_add_text(&name, key->serial);
    otp_buffer_add_char(&name, ' ');
    otp_buffer_add_text(&name, key->seed);
    hash = otp_siphash(spent->random, otp_buffer_span(&name));

    return (otp_spent_place_t) { (size_t) (hash.high % spent->buckets), hash.low & ~(uint64_t) UINT32_MAX };
}


static bool otp_spent_of(uint64_t word, uint64_t tag)
{
    return (word & ~(uint64_t) UINT32_MAX) == tag;
}


/* The way of the highest step of this tag: two processes may have entered it at once.  OTP_SPENT_WAYS: none. */
static size_t otp_spent_find(const otp_spent_bucket_t *bucket, uint64_t tag, uint64_t *word)
{
    size_t found = OTP_SPENT_WAYS;

    *word = 0;
    for (size_t way = 0; way < OTP_SPENT_WAYS; way++) {
        uint64_t here = atomic_load(&bucket->word[way]);

        if (otp_spent_of(here, tag) && here > *word) {
            *word = here;
            found = way;
        }
    }

    return found;
}


/* A free way, or else the one put least recently; `*word` is what it holds. */
static size_t otp_spent_least(const otp_spent_bucket_t *bucket, uint64_t *word)
{
    size_t   least = 0;
    uint32_t least_stamp = UINT32_MAX;

    for (size_t way = 0; way < OTP_SPENT_WAYS; way++) {
        uint64_t here = atomic_load(&bucket->word[way]);
        uint32_t stamp = here == 0 ? 0 : atomic_load(&bucket->stamp[way]);

        if (way == 0 || here == 0 || stamp < least_stamp) {
            least = way;
            least_stamp = stamp;
            *word = here;
        }
        if (here == 0) {
            break;
        }
    }

    return least;
}


/* Whether another process has entered the same key at the same time, in another way, with this step or a later one:
 * then neither of the two is the first. */
static bool otp_spent_elsewhere(const otp_spent_bucket_t *bucket, uint64_t next, size_t mine)
{
    for (size_t way = 0; way < OTP_SPENT_WAYS; way++) {
        uint64_t here = atomic_load(&bucket->word[way]);

        if (way != mine && otp_spent_of(here, next & ~(uint64_t) UINT32_MAX) && here >= next) {
            return true;
        }
    }

    return false;
}


bool otp_spent_put(otp_spent_t *spent, const otp_key_t *key, int64_t step, int64_t now_s)
{
    otp_spent_place_t   place = otp_spent_place(spent, key);
    otp_spent_bucket_t *bucket = &spent->bucket[place.bucket];
    uint32_t            stamp = (uint32_t) now_s;
    uint64_t            next, word;
    size_t              way;

    if (step <= 0 || step > UINT32_MAX) {
        return true;
    }

    next = place.tag | (uint64_t) step;
    do {
        way = otp_spent_find(bucket, place.tag, &word);
        if (way == OTP_SPENT_WAYS) {
            way = otp_spent_least(bucket, &word);
        } else if (word >= next) {
            return false;
        }
        /* First, so that nobody who looks for room takes what is entered at this moment for an old one. */
        atomic_store(&bucket->stamp[way], stamp);
    } while (!atomic_compare_exchange_strong(&bucket->word[way], &word, next));

    return !otp_spent_elsewhere(bucket, next, way);
}


int64_t otp_spent_get(const otp_spent_t *spent, const otp_key_t *key)
{
    uint64_t          word;
    otp_spent_place_t place = otp_spent_place(spent, key);

    (void) otp_spent_find(&spent->bucket[place.bucket], place.tag, &word);

    return (int64_t) (word & UINT32_MAX);
}
