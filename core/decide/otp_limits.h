/*
 * The numbers of the policy (`otp_limits`).
 */
#ifndef OTP_LIMITS_H
#define OTP_LIMITS_H

#include <stdint.h>

typedef struct {
    int64_t next_code;          /* bad passcodes after which a success must bring two consecutive codes */
    int64_t lock;               /* bad passcodes before a lock */
    int64_t lock_total;         /* consecutive bad passcodes after which only the helpdesk unlocks */
    int64_t lock_time_s;
    int64_t pin_min, pin_max;   /* digits */
    int64_t pin_page_s;         /* the PIN page, and a next code, stay open this long */
    int64_t window;             /* steps either side of the learned drift */
    int64_t wide_window;        /* the same with two consecutive codes */
    int64_t password_free;      /* bad passwords of one account without delay; then it doubles */
    int64_t address_free;       /* bad attempts of one address without delay; one is forgotten each 6 s */
    int64_t delay_max_s;        /* the delay grows up to this */
    int64_t look_ahead;         /* codes that a key which counts events may be ahead */
    int64_t look_ahead_wide;    /* the same with two consecutive codes */
    int64_t hash_queue;         /* passwords being checked, or waiting for it, in one worker */
    int64_t hash_wait_s;        /* nobody waits longer for that */
} otp_limits_t;

/* next_code lock lock_total lock_time_s pin_min pin_max pin_page_s window wide_window password_free
 * address_free delay_max_s look_ahead look_ahead_wide hash_queue hash_wait_s */
#define OTP_LIMITS_DEFAULT  { 3, 10, 100, 900, 4, 6, 300, 1, 10, 5, 300, 300, 10, 50, 64, 4 }

/* What otp_match_passcode() takes of wide_window and look_ahead_wide at most. */
#define OTP_WINDOW_MAX      100

#endif
