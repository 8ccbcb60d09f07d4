ccward_unit(console console)
ccward_unit(console proxy_pac)
ccward_unit(console setup_page)
