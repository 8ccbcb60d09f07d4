/* TLS within a stream of a server: what stands where recv() and send() stand in a plain one. */
#include "net/stream_parts.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>

#include "net/socket.h"

enum { SEALED_MAX = 64 << 10 };

/* The socket as OpenSSL sees it. Its own would raise SIGPIPE. */

static int early_read(struct stream *stream, char *data, size_t n)
{
    size_t part = stream->early.length < n ? stream->early.length : n;
    memcpy(data, stream->early.data, part);
    buf_consume(&stream->early, part);
    if (!stream->early.length)
        buf_free(&stream->early);
    return (int)part;
}

static int socket_read(BIO *bio, char *data, int n)
{
    struct stream *stream = BIO_get_data(bio);
    if (stream->early.length && n > 0) {
        BIO_clear_retry_flags(bio);
        return early_read(stream, data, (size_t)n);
    }
    ssize_t got = recv(stream->fd, data, (size_t)n, 0);
    BIO_clear_retry_flags(bio);
    if (got < 0 && socket_would_block(errno))
        BIO_set_retry_read(bio);
    if (!got)
        BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
    return (int)got;
}

/* False: some are left, and errno says why. */
static bool send_sealed(struct stream *stream)
{
    if (!stream->sealed.length)
        return true;
    ssize_t sent = send(stream->fd, stream->sealed.data, stream->sealed.length, MSG_NOSIGNAL);
    if (sent < 0)
        return false;
    stream->active_ms = loop_now_ms(stream->loop);
    buf_consume(&stream->sealed, (size_t)sent);
    if (!stream->sealed.length)
        buf_free(&stream->sealed);
    errno = EAGAIN;
    return !stream->sealed.length;
}

/* Records that follow one another at once leave together. */
static int write_sealed(struct stream *stream, const char *data, int n)
{
    buf_add(&stream->sealed, data, (size_t)n);
    if (stream->sealed.failed)
        return -1;
    if (!stream->more)
        send_sealed(stream); /* what is left, or wrong, is seen when the socket is to take more */
    return n;
}

static int socket_write(BIO *bio, const char *data, int n)
{
    struct stream *stream = BIO_get_data(bio);
    ssize_t sent = -1;
    BIO_clear_retry_flags(bio);
    if (stream->sealed.length < SEALED_MAX || send_sealed(stream)) {
        if (stream->more || stream->sealed.length)
            return write_sealed(stream, data, n);
        sent = send(stream->fd, data, (size_t)n, MSG_NOSIGNAL);
    }
    if (sent < 0 && socket_would_block(errno))
        BIO_set_retry_write(bio);
    return (int)sent;
}

static long socket_control(BIO *bio, int command, long number, void *pointer)
{
    (void)number, (void)pointer;
    if (command == BIO_CTRL_EOF)
        return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0;
    return command == BIO_CTRL_FLUSH;
}

static BIO_METHOD *socket_method;

static void make_method(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "stream");
    if (!method)
        return;
    BIO_meth_set_read(method, socket_read);
    BIO_meth_set_write(method, socket_write);
    BIO_meth_set_ctrl(method, socket_control);
    socket_method = method;
}

bool stream_tls_start_own(struct stream *stream, struct ssl_st *ssl)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_method);
    BIO *bio = socket_method ? BIO_new(socket_method) : NULL;
    if (!bio) {
        SSL_free(ssl);
        return false;
    }
    BIO_set_data(bio, stream);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl, bio, bio);
    SSL_set_accept_state(ssl);
    stream->ssl = ssl;
    return true;
}

bool stream_tls_go_on_own(struct stream *stream, struct ssl_st *ssl)
{
    struct str input = stream->input;
    buf_add(&stream->early, input.data, input.length);
    if (stream->early.failed) {
        buf_free(&stream->early);
        SSL_free(ssl);
        return false;
    }
    if (!stream_tls_start_own(stream, ssl)) {
        buf_free(&stream->early);
        return false;
    }
    stream->unread = input.length != 0; /* the socket need not become readable for what it has sent already */
    stream_consume(stream, input.length);
    return true;
}

/* Why the last call did not go on; ST_OK: it waits for the socket. */
static enum status why(struct stream *stream, int result)
{
    int error = SSL_get_error(stream->ssl, result), number = errno;
    if (error == SSL_ERROR_WANT_READ)
        return ST_OK;
    if (error == SSL_ERROR_WANT_WRITE) {
        stream->blocked = true;
        stream_set_writing(stream, true);
        return ST_OK;
    }
    ERR_clear_error();
    stream->broken = true;
    return error == SSL_ERROR_SYSCALL && number ? socket_status(number) : ST_INVALID;
}

ssize_t stream_tls_receive(struct stream *stream, char *data, size_t n, enum status *status)
{
    size_t got = 0;
    *status = ST_OK;
    while (got < n) {
        ERR_clear_error();
        errno = 0;
        int part = SSL_read(stream->ssl, data + got, (int)(n - got));
        if (part > 0) {
            got += (size_t)part;
            continue;
        }
        bool ended = SSL_get_error(stream->ssl, part) == SSL_ERROR_ZERO_RETURN;
        *status = ended ? ST_OK : why(stream, part);
        /* What comes after the data is told at the next call, for which the socket need not become readable. */
        stream->unread = got && (ended || *status != ST_OK);
        if (got)
            *status = ST_OK;
        return got ? (ssize_t)got : ended ? 0 : -1;
    }
    stream->unread = true;
    return (ssize_t)got;
}

/* How much of the LEFT bytes that are queued belongs into one record. */
static size_t up_to_cut(struct stream *stream, size_t left)
{
    uint64_t from = stream->written - left, cut;
    for (; stream->cuts.length; buf_consume(&stream->cuts, sizeof cut)) {
        memcpy(&cut, stream->cuts.data, sizeof cut);
        if (cut > from)
            return cut - from < left ? (size_t)(cut - from) : left;
    }
    return left;
}

ssize_t stream_tls_send(struct stream *stream, const char *data, size_t n, enum status *status)
{
    size_t sent = 0;
    *status = ST_OK;
    if (!send_sealed(stream)) {
        *status = socket_would_block(errno) ? ST_OK : socket_status(errno);
        return *status == ST_OK ? 0 : -1;
    }
    while (sent < n) {
        size_t next = up_to_cut(stream, n - sent);
        ERR_clear_error();
        errno = 0;
        stream->more = next < n - sent;
        int part = SSL_write(stream->ssl, data + sent, (int)next);
        stream->more = false;
        if (part <= 0) {
            *status = why(stream, part);
            break;
        }
        sent += (size_t)part;
    }
    return sent || *status == ST_OK ? (ssize_t)sent : -1;
}

void stream_tls_end(struct stream *stream)
{
    if (stream->broken || stream->sealed.length || !SSL_is_init_finished(stream->ssl))
        return;
    ERR_clear_error();
    SSL_shutdown(stream->ssl); /* as far as the socket takes it: whoever reads so slowly can do without */
    ERR_clear_error();
}

void stream_tls_free(struct stream *stream)
{
    if (!stream->ssl)
        return;
    if (!stream->shut)
        stream_tls_end(stream);
    SSL_free(stream->ssl);
    stream->ssl = NULL;
}
