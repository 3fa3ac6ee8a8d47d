map isNull [ null 0 "" false ]
