/* The process that checks passwords, from its fork() on. */
#include "ngx_http_otp_module/ngx_http_otp_process.h"

#include <pthread.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#define NGX_HTTP_OTP_PROCESS_NICE  10

/* What a thread of the process has. */
typedef struct {
    ngx_http_otp_slot_t  *slot;
    ngx_fd_t              questions, answers;
    ngx_http_otp_hasher_t hasher;       /* of those that hash */
    bool                  hashes;
} ngx_http_otp_thread_t;


static void ngx_http_otp_process_quit(int signo)
{
    _exit(0);
}


/* Numbers are written and read whole, for a pipe is; so all threads of a lane read from one. */
static void *ngx_http_otp_process_work(void *data)
{
    ngx_http_otp_thread_t *thread = data;
    uint32_t               index;

    if (thread->hashes) {
        /* On Linux priorities are per thread, and new threads have that of the one that makes them. */
        (void) setpriority(PRIO_PROCESS, (id_t) syscall(SYS_gettid), NGX_HTTP_OTP_PROCESS_NICE);
        if (ngx_http_otp_hasher_start(&thread->hasher) != NGX_OK) {
            _exit(1);
        }
    }

    for ( ;; ) {
        ssize_t n = read(thread->questions, &index, sizeof(index));

        if (n == -1 && errno == EINTR) {
            continue;
        }

        if (n != sizeof(index) || index >= NGX_HTTP_OTP_PROCESS_SLOTS) {
            break;
        }

        ngx_http_otp_process_answer(&thread->slot[index], thread->hashes ? &thread->hasher : NULL);
        if (write(thread->answers, &index, sizeof(index)) != sizeof(index)) {
            break;
        }
    }

    /* The worker is gone. */
    _exit(0);
}


/* A signal to the worker's group (a terminal's, a service manager's) is not for this process: the worker may still
 * have a password checked while it quits. */
static void ngx_http_otp_process_signals(pid_t parent)
{
    static const int ignored[] = { SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2, SIGWINCH, SIGIO, SIGALRM, SIGPIPE };

    struct sigaction  action;

    ngx_memzero(&action, sizeof(action));
    (void) sigemptyset(&action.sa_mask);
    action.sa_handler = SIG_IGN;
    for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++) {
        (void) sigaction(ignored[i], &action, NULL);
    }

    action.sa_handler = ngx_http_otp_process_quit;
    (void) sigaction(SIGTERM, &action, NULL);
    action.sa_handler = SIG_DFL;
    (void) sigaction(SIGCHLD, &action, NULL);

    /* Should somebody else hold the worker's end of the pipes. */
    (void) prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) {
        _exit(0);
    }
}


/* Of the worker's files it keeps standard error and its own ends of the pipes. */
static void ngx_http_otp_process_files(ngx_http_otp_pipes_t *pipes)
{
    ngx_fd_t *kept[] = { &pipes->lane[NGX_HTTP_OTP_HASHING].read, &pipes->lane[NGX_HTTP_OTP_LOOKUP].read,
                         &pipes->answers.write };
    int       first = STDERR_FILENO + 1, count = sizeof(kept) / sizeof(kept[0]);

    /* First above where they go, so that none is overwritten. */
    for (int i = 0; i < count; i++) {
        *kept[i] = fcntl(*kept[i], F_DUPFD, first + count);
    }

    for (int i = 0; i < count; i++) {
        *kept[i] = dup2(*kept[i], first + i);
    }

    if (close_range((unsigned) (first + count), ~0U, 0) == -1) {
        for (long fd = first + count; fd < sysconf(_SC_OPEN_MAX); fd++) {
            (void) close((int) fd);
        }
    }
}


void ngx_http_otp_process_run(ngx_http_otp_slot_t *slot, ngx_http_otp_pipes_t *pipes, ngx_pid_t parent)
{
    ngx_http_otp_thread_t thread[NGX_HTTP_OTP_PROCESS_HASHING], lookup;

    ngx_http_otp_process_signals(parent);
    ngx_http_otp_process_files(pipes);
    ngx_setproctitle("otp password process");

    lookup.slot = slot;
    lookup.questions = pipes->lane[NGX_HTTP_OTP_LOOKUP].read;
    lookup.answers = pipes->answers.write;
    lookup.hashes = false;

    for (ngx_uint_t i = 0; i < NGX_HTTP_OTP_PROCESS_HASHING; i++) {
        pthread_t id;

        thread[i].slot = slot;
        thread[i].questions = pipes->lane[NGX_HTTP_OTP_HASHING].read;
        thread[i].answers = pipes->answers.write;
        thread[i].hashes = true;
        if (pthread_create(&id, NULL, ngx_http_otp_process_work, &thread[i]) != 0) {
            _exit(1);
        }
    }

    (void) ngx_http_otp_process_work(&lookup);
}
