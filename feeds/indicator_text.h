/* An indicator in whatever form people exchange them. */
#pragma once

#include "feeds/intake.h"

/* TEXT, defanged or not, as what TYPE says ("domain", "ip:port", "sha256", ...); an empty TYPE: as what it looks like.
 */
void indicator_text_take(struct intake *intake, struct str type, struct str text);
/* IP and PORT; an IPv6 address may be without brackets. */
void indicator_text_take_address_port(struct intake *intake, struct str ip, struct str port);
/* "192.0.2.1:80" or "2001:db8::1:80": the port is what follows the last colon. */
void indicator_text_take_last_port(struct intake *intake, struct str text);
