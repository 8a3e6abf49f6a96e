/* test_altstack.c - a handler runs when a thread's own stack is full */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/altstack.h"

static void leave(int number)
{
    _exit(number == SIGSEGV ? 7 : 8);
}

/* Not by recursion: compilers know better than that. */
static void *use_a_broken_stack(void *arg)
{
    struct sigaction action = { .sa_handler = leave, .sa_flags = SA_ONSTACK };

    (void)arg;
    sigaction(SIGSEGV, &action, NULL);
    altstack_have();
    altstack_have();
#if defined(__x86_64__)
    __asm__ volatile("xor %%esp, %%esp\n\tpush %%rax" ::: "memory");
#elif defined(__aarch64__)
    __asm__ volatile("mov sp, xzr\n\tstr x0, [sp, #-16]!" ::: "memory");
#else
    raise(SIGSEGV);
#endif
    return NULL;
}

static int status_of(bool in_a_thread)
{
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        pthread_t thread;

        if (in_a_thread &&
            pthread_create(&thread, NULL, use_a_broken_stack, NULL) == 0) {
            pthread_join(thread, NULL);
        } else {
            use_a_broken_stack(NULL);
        }
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void in_the_main_thread(void **state)
{
    int status = status_of(false);

    (void)state;
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 7);
}

static void in_another(void **state)
{
    int status = status_of(true);

    (void)state;
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_the_main_thread),
        cmocka_unit_test(in_another),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
