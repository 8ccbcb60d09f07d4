ccward_unit(console console LINKS PkgConfig::JANSSON)
ccward_unit(console proxy_pac)
