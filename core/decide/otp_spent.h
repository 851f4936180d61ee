/*
 * What one gateway remembers of the codes it has accepted, whatever Redis says: of each key the last step.  A table of
 * fixed size in memory that the caller owns and that several processes and threads share without a lock.
 *
 * A key is known by a keyed hash of its serial and its sealed seed: one that was imported anew, or whose seed was
 * sealed anew, begins anew; one that changes hands does not.  Two keys are taken for each other with a probability of
 * OTP_SPENT_WAYS in 2^32, and then wait for one another's steps.  A step of 2^32 or more is not remembered.
 *
 * Where a bucket is full the key goes that was put least recently: its last code is as safe then as Redis is, no less.
 */
#ifndef OTP_SPENT_H
#define OTP_SPENT_H

#include "core/crypto/otp_siphash.h"
#include "core/model/otp_key.h"

#define OTP_SPENT_WAYS      8       /* keys of one bucket */
#define OTP_SPENT_ENTRY     12      /* bytes a key takes */

typedef struct otp_spent_s otp_spent_t;

/* Bytes for a table of at least so many keys. */
size_t otp_spent_size(size_t keys);

/* Makes an empty table in `memory` (`size` bytes, aligned to 8).  `random`: bytes that nobody else has.  NULL: there is
 * not room for one bucket. */
OTP_MUST_USE otp_spent_t *otp_spent_init(void *memory, size_t size, const uint8_t random[OTP_SIPHASH_KEY]);

/* The code of `step` is to be accepted at `now_s`.  false: this step or a later one is remembered, so another process
 * has accepted it meanwhile; nothing is changed then. */
OTP_MUST_USE bool otp_spent_put(otp_spent_t *spent, const otp_key_t *key, int64_t step, int64_t now_s);

/* The last step that is remembered of this key; 0: none. */
OTP_MUST_USE int64_t otp_spent_get(const otp_spent_t *spent, const otp_key_t *key);

#endif
