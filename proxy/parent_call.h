/* A connection through the parent proxy: its address is looked up, it is dialled, and told where to. */
#pragma once

#include "proxy/origin_connect.h"

struct parent_call;

/* DONE is called once, never from within this call; its ADDR is the one that the parent was told. Then, or to end it
 * before, parent_call_free(). What TARGET points to must stay until then. NULL when out of memory. */
struct parent_call *parent_call_new(struct proxy_context *proxy, const struct origin_target *target,
                                    origin_connected_fn *done, void *arg) MUST_CHECK;
void parent_call_free(struct parent_call *call); /* NULL is allowed */
