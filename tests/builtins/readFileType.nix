map builtins.readFileType [ ./files ./files/text ./files/link ./files/dangling ./files/to-folder /dev/null ]
