/* The authority's files in the state directory. The certificate is written last: where it is, there is an authority. */
#pragma once

#include "config/config.h"
#include "net/authority.h"

#define CA_CERTIFICATE "ca.pem"
#define CA_KEY         "ca.key"

/* ST_EXISTS: there is one, and it stays. */
enum status ca_files_make(const char *state_dir, const char *const *excluded, size_t excluded_count,
                          struct fault *fault) MUST_CHECK;
/* Appends the certificate as PEM. ST_NOT_FOUND: there is no authority; ST_INVALID as authority_facts_read(). */
enum status ca_files_read(const char *state_dir, struct buf *pem, struct authority_facts *facts,
                          struct fault *fault) MUST_CHECK;
/* With the key: for the process that signs alone. ST_DENIED: others may read the key. */
enum status ca_files_open(const char *state_dir, struct authority **authority, struct fault *fault) MUST_CHECK;
/* Looks at the key's mode. ST_NOT_FOUND, ST_DENIED: others may read it. */
enum status ca_files_check_key(const char *path, struct fault *fault) MUST_CHECK;
