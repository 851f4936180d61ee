/*
 * Where a browser would go: the host part of the WHATWG URL standard's basic parser, written apart from the
 * product so that tests can judge the product with it.  Knows http and https; any other scheme is elsewhere.
 */
#ifndef BROWSER_URL_H
#define BROWSER_URL_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define BROWSER_URL_MAX 4096

static inline bool browser_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* The standard's first step: blanks and control characters off the ends, tabs and line ends out of the
 * middle; then '\' for '/', which is how the special schemes are read. */
static inline size_t browser_clean(const char *address, size_t len, char *clean)
{
    size_t n = 0;

    while (len > 0 && (unsigned char) address[0] <= ' ') {
        address++;
        len--;
    }
    while (len > 0 && (unsigned char) address[len - 1] <= ' ') {
        len--;
    }
    for (size_t i = 0; i < len && n < BROWSER_URL_MAX - 1; i++) {
        if (address[i] != '\t' && address[i] != '\n' && address[i] != '\r') {
            clean[n++] = address[i] == '\\' ? '/' : address[i];
        }
    }
    clean[n] = '\0';
    return n;
}

/* The length of a scheme, without its colon; 0: there is none. */
static inline size_t browser_scheme(const char *text)
{
    size_t n = browser_letter(text[0]) ? 1 : 0;

    while (n > 0 && (browser_letter(text[n]) || (text[n] != '\0' && strchr("0123456789+-.", text[n]) != NULL))) {
        n++;
    }
    return n > 0 && text[n] == ':' ? n : 0;
}

/* The HOST[:PORT] of the authority that begins at `text`, lower case; `host` has BROWSER_URL_MAX bytes. */
static inline void browser_authority(const char *text, char *host)
{
    size_t begin, end, n = 0;

    text += strspn(text, "/");
    begin = 0;
    end = strcspn(text, "/?#");
    for (size_t i = 0; i < end; i++) {
        begin = text[i] == '@' ? i + 1 : begin;
    }
    for (size_t i = begin; i < end; i++) {
        host[n++] = browser_letter(text[i]) ? (char) (text[i] | 0x20) : text[i];
    }
    host[n] = '\0';
}

/* Into `host`: where a link to `address`, on a page at `scheme`://`base`/, leads; "elsewhere:" for what is not http. */
static inline void browser_host(const char *address, size_t len, const char *scheme, const char *base, char *host)
{
    char clean[BROWSER_URL_MAX];
    size_t named;

    (void) browser_clean(address, len, clean);
    named = browser_scheme(clean);
    strcpy(host, base);
    if (named == 0) {
        if (strncmp(clean, "//", 2) == 0) {
            browser_authority(clean, host);
        }
        return;
    }
    if (!((named == 5 && strncasecmp(clean, "https", 5) == 0) || (named == 4 && strncasecmp(clean, "http", 4) == 0))) {
        strcpy(host, "elsewhere:");
        return;
    }
    /* "https:/x" and "https:x" are relative when the page is https itself, else a host follows. */
    if (strlen(scheme) == named && strncasecmp(clean, scheme, named) == 0 && strncmp(clean + named + 1, "//", 2) != 0) {
        return;
    }
    browser_authority(clean + named + 1, host);
}

#endif
