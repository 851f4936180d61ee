#include "otpctl/otpctl_link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

int64_t otpctl_clock_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}


static bool fail(otpctl_link_t *link, const char *what, const char *why)
{
    (void) snprintf(link->error, sizeof(link->error), "%s%s%s", what, why ? ": " : "", why ? why : "");
    return false;
}


static bool wait_for(otpctl_link_t *link, short events, int64_t deadline_ms)
{
    struct pollfd poll_fd = { .fd = link->fd, .events = events };

    for ( ;; ) {
        int64_t left = deadline_ms - otpctl_clock_ms();
        int     ready = poll(&poll_fd, 1, left > 0 ? (int) left : 0);

        if (ready > 0) {
            return true;
        }
        if (ready == 0) {
            return fail(link, "no answer in time", NULL);
        }
        if (errno != EINTR) {
            return fail(link, "poll", strerror(errno));
        }
    }
}


static bool connect_to(otpctl_link_t *link, const struct sockaddr *to, socklen_t len, int64_t deadline_ms)
{
    int       failure = 0, on = 1;
    socklen_t size = sizeof(failure);

    link->fd = socket(to->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (link->fd < 0) {
        return fail(link, "socket", strerror(errno));
    }
    if (to->sa_family != AF_UNIX) {
        (void) setsockopt(link->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    }
    if (connect(link->fd, to, len) < 0) {
        if (errno != EINPROGRESS) {
            return fail(link, "connect", strerror(errno));
        }
        if (!wait_for(link, POLLOUT, deadline_ms)) {
            return false;
        }
        if (getsockopt(link->fd, SOL_SOCKET, SO_ERROR, &failure, &size) < 0 || failure) {
            return fail(link, "connect", strerror(failure ? failure : errno));
        }
    }
    return true;
}


static bool connect_path(otpctl_link_t *link, const char *path, int64_t deadline_ms)
{
    struct sockaddr_un to = { .sun_family = AF_UNIX };

    memcpy(to.sun_path, path, strlen(path));
    return connect_to(link, (const struct sockaddr *) &to, sizeof(to), deadline_ms);
}


static bool connect_host(otpctl_link_t *link, const otpctl_place_t *place, int64_t deadline_ms)
{
    struct addrinfo  hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG }, *list;
    int              result = getaddrinfo(place->host, place->port, &hints, &list);
    bool             connected = false;

    if (result != 0) {
        return fail(link, "the name cannot be resolved", gai_strerror(result));
    }
    for (struct addrinfo *one = list; one && !connected; one = one->ai_next) {
        if (link->fd >= 0) {
            close(link->fd);
        }
        connected = connect_to(link, one->ai_addr, one->ai_addrlen, deadline_ms);
    }
    freeaddrinfo(list);
    return connected;
}


static bool fail_tls(otpctl_link_t *link, const char *what)
{
    long          verdict = link->ssl ? SSL_get_verify_result(link->ssl) : X509_V_OK;
    unsigned long code = ERR_get_error();

    ERR_clear_error();
    if (verdict != X509_V_OK) {
        return fail(link, "the server's certificate is refused", X509_verify_cert_error_string(verdict));
    }
    return fail(link, what, code ? ERR_reason_error_string(code) : NULL);
}


/* Waits for what TLS waits for.  False: it ended, or the deadline came. */
static bool wait_tls(otpctl_link_t *link, int result, const char *what, int64_t deadline_ms)
{
    switch (SSL_get_error(link->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        return wait_for(link, POLLIN, deadline_ms);
    case SSL_ERROR_WANT_WRITE:
        return wait_for(link, POLLOUT, deadline_ms);
    case SSL_ERROR_ZERO_RETURN:
        return fail(link, "the server closed the connection", NULL);
    default:
        return fail_tls(link, what);
    }
}


/* The name must be the one we asked for: a certificate of somebody else is as good as none. */
static bool expect_name(SSL *ssl, const char *name)
{
    unsigned char ip[sizeof(struct in6_addr)];

    if (inet_pton(AF_INET, name, ip) == 1 || inet_pton(AF_INET6, name, ip) == 1) {
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1;
    }
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set1_host(ssl, name) == 1 && SSL_set_tlsext_host_name(ssl, name) == 1;
}


static bool open_tls(otpctl_link_t *link, const otpctl_address_t *address, const char *name, int64_t deadline_ms)
{
    ERR_clear_error();
    link->context = SSL_CTX_new(TLS_client_method());
    if (!link->context || SSL_CTX_set_min_proto_version(link->context, TLS1_2_VERSION) != 1) {
        return fail_tls(link, "TLS");
    }
    SSL_CTX_set_verify(link->context, SSL_VERIFY_PEER, NULL);
    if ((address->tls_ca ? SSL_CTX_load_verify_file(link->context, address->tls_ca)
            : SSL_CTX_set_default_verify_paths(link->context)) != 1)
    {
        ERR_clear_error();
        return fail(link, address->tls_ca ? address->tls_ca : "the system's certificates", "no certificate to be read");
    }
    link->ssl = SSL_new(link->context);
    if (!link->ssl || !expect_name(link->ssl, name) || SSL_set_fd(link->ssl, link->fd) != 1) {
        return fail_tls(link, "TLS");
    }
    for ( ;; ) {
        ERR_clear_error();
        int result = SSL_connect(link->ssl);

        if (result == 1) {
            return true;
        }
        if (!wait_tls(link, result, "the server does not speak TLS", deadline_ms)) {
            return false;
        }
    }
}


bool otpctl_link_open(otpctl_link_t *link, const otpctl_address_t *address, const otpctl_place_t *place,
    int64_t deadline_ms)
{
    *link = (otpctl_link_t) { .fd = -1 };
    if (!(place->path ? connect_path(link, place->path, deadline_ms) : connect_host(link, place, deadline_ms))) {
        return false;
    }
    return !address->tls || open_tls(link, address, address->tls_name ? address->tls_name : place->host, deadline_ms);
}


/* One attempt: bytes carried, or 0 when it must be tried again, or -1. */
static ssize_t attempt(otpctl_link_t *link, void *to, otp_span_t from, size_t size, int64_t deadline_ms)
{
    if (link->ssl) {
        size_t done = 0;

        ERR_clear_error();
        int result = to ? SSL_read_ex(link->ssl, to, size, &done)
            : SSL_write_ex(link->ssl, from.data, from.len, &done);

        if (result == 1) {
            return (ssize_t) done;
        }
        return wait_tls(link, result, "the connection broke", deadline_ms) ? 0 : -1;
    }
    ssize_t done = to ? recv(link->fd, to, size, 0) : send(link->fd, from.data, from.len, MSG_NOSIGNAL);

    if (done > 0) {
        return done;
    }
    if (done == 0) {
        (void) fail(link, "the server closed the connection", NULL);
        return -1;
    }
    if (errno != EAGAIN && errno != EINTR) {
        (void) fail(link, "the connection broke", strerror(errno));
        return -1;
    }
    return wait_for(link, to ? POLLIN : POLLOUT, deadline_ms) ? 0 : -1;
}


bool otpctl_link_write(otpctl_link_t *link, otp_span_t bytes, int64_t deadline_ms)
{
    while (bytes.len) {
        ssize_t done = attempt(link, NULL, bytes, 0, deadline_ms);

        if (done < 0) {
            return false;
        }
        bytes.data += done;
        bytes.len -= (size_t) done;
    }
    return true;
}


size_t otpctl_link_read(otpctl_link_t *link, char *bytes, size_t size, int64_t deadline_ms)
{
    ssize_t done;

    do {
        done = attempt(link, bytes, OTP_SPAN_NONE, size, deadline_ms);
    } while (done == 0);
    return done < 0 ? 0 : (size_t) done;
}


bool otpctl_link_ended(otpctl_link_t *link)
{
    char    byte;
    ssize_t got;

    if (link->fd < 0) {
        return true;
    }
    if (link->ssl) {
        size_t done;

        ERR_clear_error();
        int result = SSL_peek_ex(link->ssl, &byte, 1, &done);

        return result != 1 && SSL_get_error(link->ssl, result) != SSL_ERROR_WANT_READ;
    }
    got = recv(link->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR);
}


void otpctl_link_close(otpctl_link_t *link)
{
    SSL_free(link->ssl);
    SSL_CTX_free(link->context);
    if (link->fd >= 0) {
        close(link->fd);
    }
    *link = (otpctl_link_t) { .fd = -1 };
}
