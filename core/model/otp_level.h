/*
 * How strongly a session has been authenticated, and by what.
 */
#ifndef OTP_LEVEL_H
#define OTP_LEVEL_H

typedef enum { OTP_LEVEL_OFF, OTP_LEVEL_PASSWORD, OTP_LEVEL_OTP } otp_level_t;
typedef enum { OTP_AUTH_PASSWORD, OTP_AUTH_KEY, OTP_AUTH_EMERGENCY } otp_auth_t;

const char *otp_level_name(otp_level_t level);      /* "off" "password" "otp" */
const char *otp_auth_name(otp_auth_t auth);         /* "password" "key" "emergency" */

#endif
