# Managed by Ansible.
umask 027
