ccward_unit(blockpage catalogue)
ccward_unit(blockpage negotiate)
ccward_unit(blockpage page LINKS PkgConfig::JANSSON)
ccward_unit(blockpage template)
