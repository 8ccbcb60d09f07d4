/* `ccward why`: what is asked, what was found, and how it is told. */
#pragma once

#include "base/buf.h"
#include "daemon/snapshot.h"

struct question {
    const char *text;
    struct subject subject;
    struct dname name;
    struct canonical_url url;
};

/* Something that a look-up tries, and the sources that have it. */
struct candidate {
    const char *text;
    enum indicator_kind kind;
};

enum { WHY_MAX_CANDIDATES = 512 };

struct answer {
    const struct policy *policy;
    struct verdict verdict;
    char canonical[CANONICAL_TEXT_MAX + 1];
    char because[640]; /* why it is no block, where something was found; empty: it is, or nothing was */
    struct buf texts;  /* of the candidates, each with a NUL after it */
    struct candidate candidates[WHY_MAX_CANDIDATES];
    size_t candidate_count;
    /* What covers the subject, also what has expired, and what does not count for this client. */
    struct store_hit hits[STORE_MAX_HITS];
    char indicators[STORE_MAX_HITS][STORE_KEY_TEXT_SIZE]; /* with its port */
    char keys[STORE_MAX_HITS][STORE_KEY_TEXT_SIZE];       /* without: the candidate that it is */
    enum hit_effect effects[STORE_MAX_HITS];
    size_t hit_count;
};

/* NULL: it is no name, URL or single address. */
bool question_parse(const char *text, struct question *question);
/* Looks everything up. ANSWER is zeroed before; its views live as long as READER. */
enum status answer_find(const struct question *question, const struct policy *policy, struct policy_reader *judge,
                        struct store_reader *reader, struct answer *answer) MUST_CHECK;
void answer_fini(struct answer *answer);

/* Fills `because`; all else is there. */
void answer_explain(struct answer *answer);

/* The name of the source of the hit INDEX. */
const char *why_source(const struct answer *answer, size_t index);
/* What a hit does, in a few words. */
const char *why_effect_text(enum hit_effect effect);
/* "dropped", "NXDOMAIN": what a policy zone wants to be answered; NULL: nothing of its own. */
const char *why_answer_text(enum record_answer answer);
/* The name of the source of the hit INDEX, if that is the first of its source's hits of CANDIDATE; else NULL. */
const char *why_source_of_candidate(const struct answer *answer, size_t index, const struct candidate *candidate);

void why_print(const struct question *question, const struct answer *answer);
enum status why_print_json(const struct question *question, const struct answer *answer) MUST_CHECK;
