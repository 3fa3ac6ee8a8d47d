"default of a folder"
