/* Threads with real loops, which join and leave as workers do. */
#include "dnsfilter/dns_flights.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { THREADS = 3, QUESTIONS = 2, ROUNDS = 2000 };

static struct dns_flights *flights;
static atomic_int leading[QUESTIONS];

struct worker {
    struct loop *loop;
    pthread_t thread;
    struct dns_flight flight;
    unsigned rounds, led, followed;
    bool wrong;
};

static void step(void *arg);

static void next_round(struct worker *worker)
{
    dns_flights_leave(flights, &worker->flight);
    if (++worker->rounds == ROUNDS)
        loop_stop(worker->loop);
    else if (loop_call(worker->loop, step, worker) != ST_OK)
        worker->wrong = true;
}

static void on_landed(void *arg)
{
    struct worker *worker = arg;
    if (!worker->flight.joined || worker->flight.leads || !atomic_load(&worker->flight.landed))
        return; /* it has left meanwhile, and joined again */
    worker->followed++;
    next_round(worker);
}

static void land(void *arg)
{
    struct worker *worker = arg;
    worker->led++;
    atomic_fetch_sub(&leading[worker->flight.hash], 1);
    next_round(worker);
}

static void step(void *arg)
{
    struct worker *worker = arg;
    if (!dns_flights_join(flights, &worker->flight, worker->rounds % QUESTIONS))
        return;
    worker->wrong |= atomic_fetch_add(&leading[worker->flight.hash], 1) != 0;
    worker->wrong |= loop_call(worker->loop, land, worker) != ST_OK;
}

static void *run(void *arg)
{
    struct worker *worker = arg;
    loop_run(worker->loop);
    return NULL;
}

static void one_leads_at_a_time_and_the_others_are_called_when_it_has_landed(void **state)
{
    (void)state;
    struct worker workers[THREADS] = {0};
    flights = dns_flights_new(1);
    assert_non_null(flights);
    assert_int_equal(dns_flights_seed(flights), 1);
    for (size_t i = 0; i < THREADS; i++) {
        struct worker *worker = &workers[i];
        worker->loop = loop_new();
        assert_non_null(worker->loop);
        worker->flight.loop = worker->loop;
        worker->flight.on_landed = on_landed;
        worker->flight.arg = worker;
        assert_int_equal(loop_call(worker->loop, step, worker), ST_OK);
    }
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&workers[i].thread, NULL, run, &workers[i]), 0);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(workers[i].thread, NULL);
    for (size_t i = 0; i < THREADS; i++) {
        assert_false(workers[i].wrong);
        assert_int_equal(workers[i].led + workers[i].followed, ROUNDS);
        loop_free(workers[i].loop);
    }
    dns_flights_free(flights);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_leads_at_a_time_and_the_others_are_called_when_it_has_landed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
