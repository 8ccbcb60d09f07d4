ccward_unit(reputation source_writer)
ccward_unit(reputation store_find)
