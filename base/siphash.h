/* SipHash-2-4 (Aumasson and Bernstein 2012): a short keyed hash that whoever lacks the key cannot predict. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { SIPHASH_KEY_BYTES = 16 };

/* The 64 bits as the algorithm gives them; on the wire the lowest byte comes first. */
uint64_t siphash(const uint8_t key[SIPHASH_KEY_BYTES], const void *data, size_t n);
