/* SHA-256 (FIPS 180-4) and HMAC (RFC 2104), by OpenSSL. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

enum { DIGEST_BYTES = 32, DIGEST_TEXT_SIZE = 65 };

enum status digest_bytes(const void *data, size_t n, uint8_t out[DIGEST_BYTES]) MUST_CHECK;
/* Of the whole file behind FD, read from its start with pread(); never mapped, so that a damaged file cannot kill us.
 */
enum status digest_file(int fd, uint8_t out[DIGEST_BYTES]) MUST_CHECK;
void digest_format(const uint8_t digest[DIGEST_BYTES], char out[DIGEST_TEXT_SIZE]);

enum hmac_hash { HMAC_SHA256, HMAC_SHA384, HMAC_SHA512 };
enum { HMAC_MAX_BYTES = 64 };

/* A key at work: bytes are added, the code is taken, and the next one begins. */
struct hmac;

size_t hmac_bytes(enum hmac_hash hash); /* of the code */
/* Copies KEY; NULL when out of memory. */
struct hmac *hmac_new(enum hmac_hash hash, const void *key, size_t n) MUST_CHECK;
void hmac_free(struct hmac *hmac); /* NULL is allowed */
void hmac_add(struct hmac *hmac, const void *data, size_t n);
/* The code of all that was added since the last one; ST_NOMEM also where an hmac_add() had failed. */
enum status hmac_finish(struct hmac *hmac, uint8_t out[HMAC_MAX_BYTES]) MUST_CHECK;

/* Takes as long wherever they differ, so that nobody learns from the time how much of a guess was right. */
bool digest_same(const uint8_t *a, const uint8_t *b, size_t n);
