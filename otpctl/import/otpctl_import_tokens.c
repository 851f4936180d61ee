#include "otpctl/import/otpctl_import_tokens.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "otpctl/import/otpctl_import_securid.h"

#define THREADS 8

/* libstoken fills a serial number up to 12 digits.  On the back of the key, and in files of hardware keys, it stands
 * without the zeros. */
static void take_serial(otpctl_token_t *token)
{
    size_t len = strlen(token->serial), all = strlen(token->key.serial);

    if (len && len < all && strcmp(token->key.serial + all - len, token->serial) == 0
        && strspn(token->key.serial, "0") >= all - len)
    {
        memcpy(token->key.serial, token->serial, len + 1);
    }
}


/* Every `step`-th token, beginning with `first`. */
typedef struct {
    otpctl_tokens_t *tokens;
    size_t           first, step;
} share_t;

static void *work(void *data)
{
    const share_t *share = data;

    for (size_t i = share->first; i < share->tokens->tokens; i += share->step) {
        otpctl_token_t *token = &share->tokens->token[i];

        token->fine = otpctl_import_securid(token->text, share->tokens->password, &token->key, &token->error);
    }
    return NULL;
}


static size_t threads_for(size_t tokens)
{
    long   processors = sysconf(_SC_NPROCESSORS_ONLN);
    size_t threads = processors > 0 && processors < THREADS ? (size_t) processors : THREADS;

    return threads < tokens ? threads : tokens;
}


static void work_together(otpctl_tokens_t *tokens)
{
    pthread_t thread[THREADS];
    share_t   share[THREADS];
    bool      running[THREADS];
    size_t    threads = threads_for(tokens->tokens);

    for (size_t i = 0; i < threads; i++) {
        share[i] = (share_t) { tokens, i, threads };
        running[i] = i + 1 < threads && pthread_create(&thread[i], NULL, work, &share[i]) == 0;
    }
    for (size_t i = 0; i < threads; i++) {
        if (!running[i]) {
            (void) work(&share[i]);
        }
    }
    for (size_t i = 0; i < threads; i++) {
        if (running[i]) {
            (void) pthread_join(thread[i], NULL);
        }
    }
}


bool otpctl_tokens_open(otpctl_tokens_t *tokens, otpctl_import_error_t *error)
{
    bool fine = true;

    work_together(tokens);
    for (size_t i = 0; i < tokens->tokens; i++) {
        otpctl_token_t *token = &tokens->token[i];

        if (fine && token->fine) {
            take_serial(token);
            tokens->list->key[token->index] = token->key;
        } else if (fine) {
            *error = token->error;
            fine = false;
        }
        otp_secret_wipe(token->text, strlen(token->text));
        free(token->text);
    }
    otp_secret_wipe(tokens->token, sizeof(tokens->token));
    tokens->tokens = 0;
    if (fine && tokens->list->reading) {
        tokens->list->reading(tokens->list->keys);
    }
    return fine;
}


bool otpctl_tokens_add(otpctl_tokens_t *tokens, otp_span_t text, otp_span_t serial, size_t line,
    otpctl_import_error_t *error)
{
    otpctl_token_t      *token = &tokens->token[tokens->tokens];
    otpctl_import_key_t *key = otpctl_import_add(tokens->list, line, error);

    if (!key) {
        return false;
    }
    *token = (otpctl_token_t) {
        .text = malloc(text.len + 1), .index = tokens->list->keys - 1, .key = { .line = line }
    };
    if (!token->text) {
        return otpctl_import_refuse(error, line, "out of memory");
    }
    if (otp_serial_canonical(serial, token->serial) != OTP_OK) {
        token->serial[0] = '\0';
    }
    memcpy(token->text, text.data, text.len);
    token->text[text.len] = '\0';
    tokens->tokens++;
    return tokens->tokens < OTPCTL_TOKENS || otpctl_tokens_open(tokens, error);
}
