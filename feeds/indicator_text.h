/* An indicator in whatever form people exchange them. */
#pragma once

#include "feeds/intake.h"

/* TEXT as what TYPE says ("domain", "IP address", "ip-dst|port", "sha256", ...); an empty TYPE: as what it looks like.
 */
void indicator_text_take_plain(struct intake *intake, struct str type, struct str text);
/* The same of a table, where TEXT may be defanged and PORT, which may be empty, is an address's. */
void indicator_text_take_row(struct intake *intake, struct str type, struct str text, struct str port);
/* IP and PORT; an IPv6 address may be without brackets. */
void indicator_text_take_address_port(struct intake *intake, struct str ip, struct str port);
/* The next indicator, of this type, stands for someone's site that was broken into: but for a URL it is only recorded.
 */
void indicator_text_compromised(struct intake *intake, struct str type);
