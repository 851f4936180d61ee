/*
 * What opens the values of a PSKC document (RFC 6030 section 6): the key or the password, and the MAC.
 */
#ifndef OTPCTL_IMPORT_PSKC_KEYS_H
#define OTPCTL_IMPORT_PSKC_KEYS_H

#include "otpctl/import/otpctl_import_xml.h"

#define OTPCTL_PSKC_KEY     32      /* bytes of AES-256 */
#define OTPCTL_PSKC_MAC     128     /* bytes of a MAC's key, at most */

/* Starts as all zero but `unlock`.  Wipe it. */
typedef struct {
    otp_span_t unlock;                      /* what the key file has */
    bool       encrypted;                   /* there is an EncryptionKey */
    bool       derived;                     /* `key` comes from a password */
    uint8_t    key[OTPCTL_PSKC_KEY];
    size_t     key_len;
    const char *digest;                     /* of the MAC, as OpenSSL calls it; NULL: no MACMethod */
    uint8_t    mac[OTPCTL_PSKC_MAC];        /* its key */
    size_t     mac_len;                     /* 0: the encryption key is the MAC's too */
} otpctl_pskc_keys_t;

/* The elements of these names; they stand before the first KeyPackage. */
OTP_MUST_USE bool otpctl_pskc_encryption_key(otpctl_pskc_keys_t *keys, const otpctl_xml_node_t *node,
    otpctl_import_error_t *error);
OTP_MUST_USE bool otpctl_pskc_mac_method(otpctl_pskc_keys_t *keys, const otpctl_xml_node_t *node,
    otpctl_import_error_t *error);

/* An element with a PlainValue, or an EncryptedValue and its ValueMAC.  The MAC is verified before anything is
 * decrypted, and must be there unless the algorithm protects what it encrypts.  The caller wipes `bytes`. */
OTP_MUST_USE bool otpctl_pskc_value(const otpctl_pskc_keys_t *keys, const otpctl_xml_node_t *node, uint8_t *bytes,
    size_t size, size_t *len, otpctl_import_error_t *error);

#endif
