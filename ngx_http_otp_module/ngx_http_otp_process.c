/*
 * The life of the process that checks passwords (docs/decisions/014-process-of-passwords.md): made by its worker, and
 * made again when it died; it goes when the worker goes, for then nothing is left to be read from its pipes.
 */
#include "ngx_http_otp_module/ngx_http_otp_process.h"

#define NGX_HTTP_OTP_PROCESS_AGAIN_MS  1000

int64_t ngx_http_otp_process_clock_ms(void)
{
    struct timespec now;

    (void) clock_gettime(CLOCK_MONOTONIC, &now);

    return (int64_t) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}


static void ngx_http_otp_process_close(ngx_fd_t *fd)
{
    if (*fd != -1 && close(*fd) == -1) {
        ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, ngx_errno, "close() of a pipe of the password process failed");
    }

    *fd = -1;
}


static void ngx_http_otp_process_close_pipes(ngx_http_otp_pipes_t *pipes)
{
    for (ngx_uint_t i = 0; i < NGX_HTTP_OTP_LANES; i++) {
        ngx_http_otp_process_close(&pipes->lane[i].read);
        ngx_http_otp_process_close(&pipes->lane[i].write);
    }

    ngx_http_otp_process_close(&pipes->answers.read);
    ngx_http_otp_process_close(&pipes->answers.write);
}


static ngx_int_t ngx_http_otp_process_pipe(ngx_http_otp_pipe_t *made)
{
    int fd[2];

    if (pipe2(fd, O_CLOEXEC) == -1) {
        return NGX_ERROR;
    }

    made->read = fd[0];
    made->write = fd[1];

    return NGX_OK;
}


static ngx_int_t ngx_http_otp_process_pipes(ngx_http_otp_pipes_t *pipes)
{
    ngx_memset(pipes, 0xff, sizeof(*pipes));
    if (ngx_http_otp_process_pipe(&pipes->lane[NGX_HTTP_OTP_HASHING]) == NGX_OK
        && ngx_http_otp_process_pipe(&pipes->lane[NGX_HTTP_OTP_LOOKUP]) == NGX_OK
        && ngx_http_otp_process_pipe(&pipes->answers) == NGX_OK
        && ngx_nonblocking(pipes->answers.read) != -1)
    {
        return NGX_OK;
    }

    ngx_http_otp_process_close_pipes(pipes);

    return NGX_ERROR;
}


/* Whoever has a question there, or waits to ask one, is told to come again. */
static void ngx_http_otp_process_lost(ngx_http_otp_process_t *process)
{
    for (ngx_uint_t i = 0; i < NGX_HTTP_OTP_PROCESS_SLOTS; i++) {
        if (process->asker[i] != NULL) {
            ngx_http_otp_person_answered(process, i, true);
        }
    }
}


static void ngx_http_otp_process_leave(ngx_http_otp_process_t *process)
{
    for (ngx_uint_t i = 0; i < NGX_HTTP_OTP_LANES; i++) {
        ngx_http_otp_process_close(&process->lane[i].fd);
    }

    if (process->answers != NULL) {
        ngx_close_connection(process->answers);
        process->answers = NULL;
    }
}


static void ngx_http_otp_process_ended(ngx_http_otp_process_t *process)
{
    int64_t age_ms = ngx_http_otp_process_clock_ms() - process->started_ms;

    ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
        "the process that checks passwords (%P) ended; who is signing in is told to try again, and it is started anew",
        process->pid);

    ngx_http_otp_process_leave(process);
    ngx_http_otp_process_lost(process);
    if (!process->again.timer_set) {
        ngx_add_timer(&process->again, age_ms < NGX_HTTP_OTP_PROCESS_AGAIN_MS ? NGX_HTTP_OTP_PROCESS_AGAIN_MS : 1);
    }
}


static void ngx_http_otp_process_readable(ngx_event_t *ev)
{
    ngx_connection_t       *c = ev->data;
    ngx_http_otp_process_t *process = c->data;
    uint32_t                index[NGX_HTTP_OTP_PROCESS_SLOTS];
    ssize_t                 n = read(c->fd, index, sizeof(index));

    if (n == -1 && (ngx_errno == NGX_EAGAIN || ngx_errno == NGX_EINTR)) {
        return;
    }

    if (n <= 0 || n % (ssize_t) sizeof(index[0]) != 0) {
        ngx_http_otp_process_ended(process);
        return;
    }

    for (ssize_t i = 0; i < n / (ssize_t) sizeof(index[0]); i++) {
        if (index[i] < NGX_HTTP_OTP_PROCESS_SLOTS && process->asker[index[i]] != NULL) {
            ngx_http_otp_person_answered(process, index[i], false);
        }
    }
}


static ngx_int_t ngx_http_otp_process_listen(ngx_http_otp_process_t *process, ngx_fd_t fd)
{
    ngx_connection_t *c = ngx_get_connection(fd, ngx_cycle->log);

    if (c == NULL) {
        return NGX_ERROR;
    }

    c->data = process;
    c->read->handler = ngx_http_otp_process_readable;
    c->read->log = c->write->log = c->log = ngx_cycle->log;
    if (ngx_add_event(c->read, NGX_READ_EVENT, NGX_LEVEL_EVENT) == NGX_ERROR) {
        ngx_free_connection(c);
        return NGX_ERROR;
    }

    process->answers = c;

    return NGX_OK;
}


static ngx_int_t ngx_http_otp_process_start(ngx_http_otp_process_t *process)
{
    ngx_http_otp_pipes_t pipes;
    pid_t                parent = getpid();

    process->started_ms = ngx_http_otp_process_clock_ms();
    if (ngx_http_otp_process_pipes(&pipes) != NGX_OK) {
        return NGX_ERROR;
    }

    process->pid = fork();
    if (process->pid == 0) {
        ngx_http_otp_process_run(process->slot, &pipes, parent);
    }

    if (process->pid == -1 || ngx_http_otp_process_listen(process, pipes.answers.read) != NGX_OK) {
        ngx_http_otp_process_close_pipes(&pipes);
        return NGX_ERROR;
    }

    for (ngx_uint_t i = 0; i < NGX_HTTP_OTP_LANES; i++) {
        process->lane[i].fd = pipes.lane[i].write;
        pipes.lane[i].write = -1;
    }

    pipes.answers.read = -1;
    ngx_http_otp_process_close_pipes(&pipes);

    return NGX_OK;
}


static void ngx_http_otp_process_restart(ngx_event_t *ev)
{
    ngx_http_otp_process_t *process = ((ngx_connection_t *) ev->data)->data;

    if (ngx_http_otp_process_start(process) != NGX_OK) {
        ngx_log_error(NGX_LOG_CRIT, ngx_cycle->log, ngx_errno,
            "the process that checks passwords cannot be started: nobody can sign in; trying again");
        ngx_add_timer(&process->again, NGX_HTTP_OTP_PROCESS_AGAIN_MS);
    }
}


ngx_int_t ngx_http_otp_process_init_process(ngx_cycle_t *cycle, ngx_http_otp_process_t *process)
{
    size_t size = NGX_HTTP_OTP_PROCESS_SLOTS * sizeof(ngx_http_otp_slot_t);

    if (process == NULL || (ngx_process != NGX_PROCESS_WORKER && ngx_process != NGX_PROCESS_SINGLE)) {
        return NGX_OK;
    }

    process->slot = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (process->slot == MAP_FAILED) {
        process->slot = NULL;
        ngx_log_error(NGX_LOG_EMERG, cycle->log, ngx_errno, "mmap(%uz) for the process that checks passwords failed",
            size);
        return NGX_ERROR;
    }

    (void) madvise(process->slot, size, MADV_DONTDUMP);

    for (ngx_uint_t i = 0; i < NGX_HTTP_OTP_LANES; i++) {
        ngx_queue_init(&process->lane[i].waiting);
        process->lane[i].fd = -1;
    }

    process->lane[NGX_HTTP_OTP_HASHING].end = NGX_HTTP_OTP_PROCESS_HASHING;
    process->lane[NGX_HTTP_OTP_LOOKUP].first = NGX_HTTP_OTP_PROCESS_HASHING;
    process->lane[NGX_HTTP_OTP_LOOKUP].end = NGX_HTTP_OTP_PROCESS_SLOTS;
    process->ident.data = process;
    process->ident.fd = (ngx_socket_t) -1;
    process->again.handler = ngx_http_otp_process_restart;
    process->again.data = &process->ident;
    process->again.log = cycle->log;
    process->again.cancelable = 1;

    /* Who is signed in needs no password: a worker without this process is better than none. */
    ngx_http_otp_process_restart(&process->again);

    return NGX_OK;
}


/* Nobody waits for an answer: a worker that quits waits for each one's timer, one that is told to end does not. */
void ngx_http_otp_process_exit_process(ngx_http_otp_process_t *process)
{
    if (process == NULL || process->slot == NULL) {
        return;
    }

    ngx_http_otp_process_leave(process);
    otp_secret_wipe(process->slot, NGX_HTTP_OTP_PROCESS_HASHING * sizeof(ngx_http_otp_slot_t));
    (void) munmap(process->slot, NGX_HTTP_OTP_PROCESS_SLOTS * sizeof(ngx_http_otp_slot_t));
    process->slot = NULL;
}
