ccward_unit(system proxy_places LINKS PkgConfig::JANSSON)
ccward_unit(system system_files)
ccward_unit(system system_state LINKS PkgConfig::JANSSON)
ccward_unit(system system_plan)
