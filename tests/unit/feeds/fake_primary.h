/* A primary on loopback that answers one question per connection, as its script says: the first connection by the first
 * step, and so on. */
#pragma once

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "feeds/tsig.h"
#include "zone_message.h"

enum { FAKE_STEPS = 8 };

struct fake;
typedef void fake_step(struct fake *fake);

static struct fake {
    int listener, fd; /* fd: of the connection at hand */
    int family;
    uint16_t port;
    pthread_t thread;
    fake_step *steps[FAKE_STEPS];
    atomic_uint asked, done; /* questions so far; of them, those that nothing is done for any more */
    uint16_t types[FAKE_STEPS];
    uint32_t serials[FAKE_STEPS]; /* in their authority section */
    uint16_t id;                  /* of the question at hand */

    /* How answers are signed; NULL: not. */
    const struct tsig_key *key;
    int64_t clock_off_s;
    bool request_signed;
    struct buf digest; /* what the next signature is over, so far */
    unsigned signed_count;
    struct reply reply;
} fake;

static inline void fake_send_bytes(const void *data, size_t n)
{
    send(fake.fd, data, n, MSG_NOSIGNAL);
}

static inline void fake_send(size_t n)
{
    uint8_t prefix[] = {(uint8_t)(n >> 8), (uint8_t)n};
    fake_send_bytes(prefix, 2);
    fake_send_bytes(fake.reply.bytes, n);
}

/* Finishes the reply at hand. */
static inline size_t fake_finish(void)
{
    fake.reply.build.header.id = fake.id;
    return reply_finish(&fake.reply);
}

/* RFC 8945 section 4.3 and 5.3.1, by the letter. */
static inline size_t fake_sign(size_t n)
{
    uint8_t mac[HMAC_MAX_BYTES], variables[600], time[8];
    struct wire wire = wire_into(variables, sizeof variables), timers = wire_into(time, sizeof time);
    const struct tsig_key *key = fake.key;
    uint64_t now_s = (uint64_t)(clock_wall_ms() / 1000 + fake.clock_off_s);
    wire_u16(&timers, (uint16_t)(now_s >> 32));
    wire_u32(&timers, (uint32_t)now_s);
    wire_u16(&timers, 300);
    if (!fake.signed_count++) {
        wire_bytes(&wire, key->name.wire, key->name.length);
        wire_bytes(&wire, "\0\377\0\0\0\0", 6);
        wire_bytes(&wire, key->algorithm.wire, key->algorithm.length);
        wire_bytes(&wire, time, sizeof time);
        wire_u32(&wire, 0); /* error and length of the other data */
    } else {
        wire_bytes(&wire, time, sizeof time);
    }
    struct hmac *hmac = hmac_new(key->hash, key->secret, key->secret_length);
    if (!hmac)
        abort();
    hmac_add(hmac, fake.digest.data, fake.digest.length);
    hmac_add(hmac, fake.reply.bytes, n);
    hmac_add(hmac, variables, wire_length(&wire));
    if (hmac_finish(hmac, mac) != ST_OK)
        abort();
    hmac_free(hmac);
    size_t mac_length = hmac_bytes(key->hash);
    struct wire out = wire_into(fake.reply.bytes, sizeof fake.reply.bytes);
    out.at += n;
    wire_bytes(&out, key->name.wire, key->name.length);
    wire_bytes(&out, "\0\372\0\377\0\0\0\0", 8);
    wire_u16(&out, (uint16_t)(key->algorithm.length + 16 + mac_length));
    wire_bytes(&out, key->algorithm.wire, key->algorithm.length);
    wire_bytes(&out, time, sizeof time);
    wire_u16(&out, (uint16_t)mac_length);
    wire_bytes(&out, mac, mac_length);
    wire_u16(&out, fake.id);
    wire_u32(&out, 0);
    wire_patch_u16(&out, 10, 1);
    buf_clear(&fake.digest);
    uint8_t length[] = {0, (uint8_t)mac_length};
    buf_add(&fake.digest, length, 2);
    buf_add(&fake.digest, mac, mac_length);
    return wire_length(&out);
}

/* Sends the reply at hand, signed where there is a key. */
static inline void fake_answer(void)
{
    size_t n = fake_finish();
    fake_send(fake.key ? fake_sign(n) : n);
}

/* Sends it unsigned in the midst of those that are. */
static inline void fake_answer_unsigned(void)
{
    size_t n = fake_finish();
    buf_add(&fake.digest, fake.reply.bytes, n);
    fake_send(n);
}

static inline bool fake_read(uint8_t *out, size_t n)
{
    return recv(fake.fd, out, n, MSG_WAITALL) == (ssize_t)n;
}

/* The serial of the SOA in the authority section, and the signature's code as the first part of the next digest. */
static inline void fake_note_records(uint8_t *packet, size_t n)
{
    struct dns_message message;
    struct dns_record record;
    struct tsig_record tsig;
    unsigned at = atomic_load(&fake.asked) % FAKE_STEPS;
    packet[2] |= 0x80; /* as an answer, which is the form that is parsed with records in all sections */
    if (dns_transfer_parse(packet, n, &message) != ST_OK)
        abort();
    struct dns_walk walk = dns_walk_start(packet, n, &message);
    while (dns_walk_next(&walk, &record))
        if (record.section == DNS_AUTHORITY && record.type == DNS_TYPE_SOA) {
            struct cursor data = cursor_over(packet, n);
            cursor_bytes(&data, record.rdata_offset + record.rdata_length - 20);
            fake.serials[at] = cursor_u32(&data);
        }
    fake.types[at] = message.question.type;
    fake.id = message.header.id;
    buf_clear(&fake.digest);
    fake.signed_count = 0;
    fake.request_signed = tsig_find(packet, n, &message, &tsig) == ST_OK;
    if (fake.request_signed) {
        uint8_t length[] = {0, (uint8_t)tsig.mac.length};
        buf_add(&fake.digest, length, 2);
        buf_add(&fake.digest, tsig.mac.data, tsig.mac.length);
    }
}

static inline void *fake_run(void *user)
{
    (void)user;
    for (;;) {
        uint8_t prefix[2], packet[2048];
        fake.fd = accept(fake.listener, NULL, NULL);
        if (fake.fd < 0)
            return NULL;
        struct timeval patience = {.tv_sec = 10};
        setsockopt(fake.fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        size_t n = 0;
        bool asked = false;
        if (fake_read(prefix, 2) && (n = (size_t)prefix[0] << 8 | prefix[1]) <= sizeof packet && fake_read(packet, n)) {
            fake_note_records(packet, n);
            fake_step *step = fake.steps[atomic_fetch_add(&fake.asked, 1) % FAKE_STEPS];
            asked = true;
            if (step)
                step(&fake);
        }
        shutdown(fake.fd, SHUT_WR);
        recv(fake.fd, packet, sizeof packet, 0); /* until the other side has closed */
        close(fake.fd);
        atomic_fetch_add(&fake.done, asked);
    }
}

/* Until the other thread touches nothing any more. */
static inline void fake_wait(void)
{
    while (atomic_load(&fake.done) != atomic_load(&fake.asked))
        usleep(1000);
}

/* FAMILY: AF_INET or AF_INET6. */
static inline int fake_start(int family)
{
    struct sockaddr_storage at = {0};
    struct sockaddr_in *v4 = (struct sockaddr_in *)&at;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&at;
    socklen_t n = family == AF_INET ? sizeof *v4 : sizeof *v6;
    if (family == AF_INET)
        v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    else
        v6->sin6_addr = in6addr_loopback;
    at.ss_family = (sa_family_t)family;
    fake.family = family;
    fake.listener = socket(family, SOCK_STREAM, 0);
    if (fake.listener < 0 || bind(fake.listener, (struct sockaddr *)&at, n) || listen(fake.listener, 16) ||
        getsockname(fake.listener, (struct sockaddr *)&at, &n))
        return -1;
    fake.port = ntohs(family == AF_INET ? v4->sin_port : v6->sin6_port);
    return pthread_create(&fake.thread, NULL, fake_run, NULL);
}

static inline void fake_stop(void)
{
    shutdown(fake.listener, SHUT_RDWR);
    pthread_join(fake.thread, NULL);
    close(fake.listener);
    buf_free(&fake.digest);
}

/* What the next connections meet; ends with NULL. */
static inline void fake_script(fake_step *const *steps)
{
    memset(fake.steps, 0, sizeof fake.steps);
    memset(fake.types, 0, sizeof fake.types);
    memset(fake.serials, 0, sizeof fake.serials);
    for (size_t i = 0; steps[i] && i < FAKE_STEPS; i++)
        fake.steps[i] = steps[i];
    atomic_store(&fake.done, 0);
    atomic_store(&fake.asked, 0);
}
