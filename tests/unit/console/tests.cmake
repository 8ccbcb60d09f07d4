ccward_unit(console console)
ccward_unit(console proxy_pac)
