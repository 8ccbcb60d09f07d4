/* The other end of a worker's socket to the signer, played by a test. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/socket.h>
#include <unistd.h>

#include "net/leaf_source.h"
#include "net/leaf_wire.h"

struct fake_signer {
    int fd;
    atomic_uint generation;
    struct authority *authority;
    struct leaf_request request; /* the last one that it got */
};

/* The worker's source of certificates. */
static inline struct leaf_source *open_fake_signer(struct fake_signer *signer, struct loop *loop)
{
    int pair[2];
    struct buf certificate = {0}, key = {0};
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
    signer->fd = pair[1];
    atomic_init(&signer->generation, 1);
    assert_int_equal(authority_make(NULL, 0, &certificate, &key, NULL), ST_OK);
    assert_int_equal(authority_new((struct str){certificate.data, certificate.length},
                                   (struct str){key.data, key.length}, &signer->authority, NULL),
                     ST_OK);
    buf_free(&certificate);
    buf_free(&key);
    struct leaf_source *source = leaf_source_new_own(loop, pair[0], &signer->generation);
    assert_non_null(source);
    return source;
}

static inline void close_fake_signer(struct fake_signer *signer)
{
    authority_free(signer->authority);
    close(signer->fd);
}

static inline bool signer_got(struct fake_signer *signer)
{
    uint8_t bytes[LEAF_REQUEST_MAX + 1];
    ssize_t n = recv(signer->fd, bytes, sizeof bytes, MSG_DONTWAIT);
    if (n <= 0)
        return false;
    assert_int_equal(leaf_request_parse(bytes, (size_t)n, &signer->request), ST_OK);
    return true;
}

/* SIGNED: the name that the certificate is for; NULL: it is refused. */
static inline void signer_says(struct fake_signer *signer, const char *signed_name)
{
    uint8_t bytes[LEAF_REPLY_MAX];
    struct buf certificate = {0}, key = {0};
    struct leaf_reply reply = {.number = signer->request.number, .result = LEAF_REFUSED};
    if (signed_name) {
        assert_int_equal(authority_mint(signer->authority, signed_name, &certificate, &key), ST_OK);
        reply.result = LEAF_SIGNED;
        reply.certificate = (struct str){certificate.data, certificate.length};
        reply.key = (struct str){key.data, key.length};
    }
    size_t n = leaf_reply_build(&reply, bytes);
    assert_true(n > 0);
    assert_int_equal(send(signer->fd, bytes, n, MSG_NOSIGNAL), n);
    buf_free(&certificate);
    buf_free(&key);
}
