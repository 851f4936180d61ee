/*
 * otpctl: the command line of operators and helpdesk.  Blocking I/O around the rules of the core.
 */
#ifndef OTPCTL_H
#define OTPCTL_H

#include "core/crypto/otp_keyring.h"
#include "otpctl/otpctl_address.h"
#include "otpctl/otpctl_options.h"
#include "otpctl/otpctl_redis.h"

#ifndef OTP_VERSION
#define OTP_VERSION "0.1.0"
#endif

/* Exit status, part of the contract. */
typedef enum {
    OTPCTL_DONE = 0,
    OTPCTL_REFUSED = 1,         /* refused or not found */
    OTPCTL_USAGE = 2,
    OTPCTL_UNREACHABLE = 3      /* Redis out of reach */
} otpctl_status_t;

#define OTPCTL_ACTOR_MAX    72

typedef struct {
    const otpctl_options_t *options;
    otpctl_address_t        address;
    otp_span_t              prefix;         /* of every Redis key; points into `address` */
    const char             *keyring_file;
    otp_keyring_t          *ring;           /* NULL where the command needs none */
    otpctl_redis_t         *redis;          /* likewise */
    char                    actor[OTPCTL_ACTOR_MAX];    /* "otpctl:LOGIN", for the audit */
} otpctl_t;

/* The commands; each returns the exit status. */
typedef otpctl_status_t otpctl_run_t(otpctl_t *ctl);

otpctl_run_t otpctl_audit_run, otpctl_doctor_run, otpctl_keyring_init_run, otpctl_keyring_rotate_run;
otpctl_run_t otpctl_key_generate_run, otpctl_key_list_run, otpctl_key_show_run, otpctl_key_delete_run;
otpctl_run_t otpctl_key_assign_run, otpctl_key_unassign_run, otpctl_key_disable_run, otpctl_key_enable_run;
otpctl_run_t otpctl_key_resync_run, otpctl_emergency_issue_run, otpctl_emergency_revoke_run;
otpctl_run_t otpctl_request_list_run, otpctl_request_approve_run, otpctl_request_reject_run;
otpctl_run_t otpctl_user_show_run, otpctl_user_list_run, otpctl_user_unlock_run, otpctl_pin_clear_run;
otpctl_run_t otpctl_key_drift_run, otpctl_keyring_rewrap_run, otpctl_export_run, otpctl_import_run;
otpctl_run_t otpctl_key_import_run, otpctl_key_identify_run;
otpctl_run_t otpctl_session_list_run, otpctl_session_revoke_run, otpctl_notify_run;

int64_t otpctl_now_ms(void);
int64_t otpctl_now_s(void);

/* Fills `bytes` from the kernel; the program ends when it gives none. */
void otpctl_random(void *bytes, size_t len);

/* Whom the audit names: the name the person logged in with, which sudo does not change. */
void otpctl_actor(char actor[OTPCTL_ACTOR_MAX]);

#endif
