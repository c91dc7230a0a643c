"""What AWS calls while it deploys: functions that are carried inside a template."""
